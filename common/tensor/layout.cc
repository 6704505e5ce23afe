#include "tensor/layout.h"

#include <algorithm>

namespace fed::tensor {

std::uint64_t Parameter::size() const {
  std::uint64_t product = 1;
  for (const std::int64_t extent : shape) product *= static_cast<std::uint64_t>(extent);
  return product;
}

Result<std::uint64_t> element_count(std::span<const std::int64_t> shape) {
  // A zero anywhere makes the product zero, but must not hide a negative dimension behind it or an
  // overflow before.
  constexpr std::uint64_t elements_max = (std::uint64_t{1} << 63) / 8 - 1;
  std::uint64_t product = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return Error{ErrorCode::invalid, "a dimension of a shape is negative"};
    const auto size = static_cast<std::uint64_t>(extent);
    if (size > 0 && product > elements_max / size) {
      return Error{ErrorCode::too_large, "the product of a shape does not fit 63 bits"};
    }
    product *= size;
  }
  return product;
}

Status Layout::add(std::string name, std::vector<std::int64_t> shape) {
  if (name.empty()) return Error{ErrorCode::invalid, "a parameter needs a name"};
  if (find(name)) return Error{ErrorCode::invalid, "two parameters are named '" + name + "'"};
  FED_ASSIGN(count, element_count(shape));
  const std::int64_t whole[] = {static_cast<std::int64_t>(size_ + count)};
  FED_TRY(element_count(whole));
  parameters_.push_back({std::move(name), std::move(shape), size_});
  size_ += count;
  return {};
}

const Parameter* Layout::find(std::string_view name) const {
  const auto found = std::ranges::find(parameters_, name, &Parameter::name);
  return found == parameters_.end() ? nullptr : &*found;
}

}  // namespace fed::tensor
