// A named array of any element type, as files hold it: what the codecs for safetensors and npz
// write.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tensor/layout.h"

namespace fed::tensor {

// safetensors' element types of whole bytes.
enum class DataType { boolean, u8, i8, u16, i16, f16, bf16, u32, i32, f32, u64, i64, f64 };

struct DataTypeTraits {
  DataType type;
  std::uint64_t bytes;      // of one element
  const char* safetensors;  // its "dtype": F32, ...
  const char* npy;          // NumPy's "descr": <f4, ...; null where NumPy has none
};
const DataTypeTraits& traits(DataType type);
std::span<const DataTypeTraits> data_types();

// Does not own `data`, which must live as long as the view; row-major, little-endian.
struct TensorView {
  std::string name;
  DataType type = DataType::f32;
  std::vector<std::int64_t> shape;
  ByteView data;
};

// A view of each parameter of `vector`, which has layout.size() elements, in the layout's order.
std::vector<TensorView> views_of(const Layout& layout, std::span<const float> vector);

// ErrorCode::mismatch if data is not as long as type and shape say; invalid or too_large as
// element_count has it.
Status check(const TensorView& tensor);

}  // namespace fed::tensor
