// Which stretch of one flat float32 vector is which parameter of a model.
//
// A model's weights, its gradient and an update of it all have the same layout, so the rest of the
// program handles one vector and never knows the layers. Parameters lie one after the other without
// gaps, in the order in which they were added, each in row-major order: `layers.0.weight` [out,
// in], `layers.0.bias` [out], ... (the names and shapes that PyTorch's Linear uses, so that
// exported files load elsewhere).
//
// A plain value; copy freely, share const.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace fed::tensor {

struct Parameter {
  std::string name;
  std::vector<std::int64_t> shape;  // a scalar has none
  std::uint64_t offset = 0;         // in elements from the start of the vector

  std::uint64_t size() const;  // elements: the product of the shape
  bool operator==(const Parameter&) const = default;
};

// The product of a shape. ErrorCode::invalid for a negative dimension, too_large if it or its size
// in bytes (at 8 bytes an element) does not fit 63 bits.
Result<std::uint64_t> element_count(std::span<const std::int64_t> shape);

class Layout {
 public:
  // Puts a parameter behind the last one. ErrorCode::invalid for an empty or repeated name or a
  // negative dimension, too_large as element_count has it; the layout is then as before.
  Status add(std::string name, std::vector<std::int64_t> shape);

  std::uint64_t size() const { return size_; }  // elements of the whole vector
  std::span<const Parameter> parameters() const { return parameters_; }

  // Null if there is none of that name. Valid until the next `add`.
  const Parameter* find(std::string_view name) const;

  // The parameter's stretch of `vector`, which has size() elements.
  template <class T>
  static std::span<T> slice(std::span<T> vector, const Parameter& parameter) {
    return vector.subspan(parameter.offset, parameter.size());
  }

  bool operator==(const Layout&) const = default;

 private:
  std::vector<Parameter> parameters_;
  std::uint64_t size_ = 0;
};

}  // namespace fed::tensor
