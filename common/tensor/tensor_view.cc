#include "tensor/tensor_view.h"

namespace fed::tensor {
namespace {

// In the order of the enum.
constexpr DataTypeTraits table[] = {
    {DataType::boolean, 1, "BOOL", "|b1"}, {DataType::u8, 1, "U8", "|u1"},
    {DataType::i8, 1, "I8", "|i1"},        {DataType::u16, 2, "U16", "<u2"},
    {DataType::i16, 2, "I16", "<i2"},      {DataType::f16, 2, "F16", "<f2"},
    {DataType::bf16, 2, "BF16", nullptr},  {DataType::u32, 4, "U32", "<u4"},
    {DataType::i32, 4, "I32", "<i4"},      {DataType::f32, 4, "F32", "<f4"},
    {DataType::u64, 8, "U64", "<u8"},      {DataType::i64, 8, "I64", "<i8"},
    {DataType::f64, 8, "F64", "<f8"},
};

}  // namespace

const DataTypeTraits& traits(DataType type) { return table[static_cast<std::size_t>(type)]; }
std::span<const DataTypeTraits> data_types() { return table; }

std::vector<TensorView> views_of(const Layout& layout, std::span<const float> vector) {
  FED_CHECK(vector.size() == layout.size());
  std::vector<TensorView> views;
  for (const Parameter& parameter : layout.parameters()) {
    views.push_back({parameter.name, DataType::f32, parameter.shape,
                     as_bytes(Layout::slice(vector, parameter))});
  }
  return views;
}

Status check(const TensorView& tensor) {
  FED_ASSIGN(count, element_count(tensor.shape));
  const std::uint64_t bytes = count * traits(tensor.type).bytes;
  if (bytes == tensor.data.size()) return {};
  return Error{ErrorCode::mismatch,
               "tensor '" + tensor.name + "' has " + std::to_string(tensor.data.size()) +
                   " bytes, but its shape and type ask for " + std::to_string(bytes)};
}

}  // namespace fed::tensor
