// What is in a data set, for the person who looks after it. Stays on the machine.
//
// Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fed::data {

using Counts = std::vector<std::pair<std::string, std::int64_t>>;  // a value and its rows

struct ColumnDescription {
  // number: every cell that is not missing is one. category: at most kCategoriesMax different
  // values. text: more. empty: all cells are missing.
  enum class Kind { number, category, text, empty };
  static constexpr std::size_t kCategoriesMax = 100;

  std::string name;  // in the file
  Kind kind = Kind::empty;
  std::int64_t present = 0;
  std::int64_t missing = 0;
  double min = 0, mean = 0, max = 0;  // number
  Counts counts;                      // of at most kCategoriesMax different values; else empty
};

struct Description {
  std::int64_t rows = 0;
  std::vector<std::int64_t> shape;  // idx: of one image, {28, 28}
  std::vector<ColumnDescription>
      columns;     // csv: all of the file, in its order, the label among them
  Counts classes;  // the label's values; empty if unknown, or too many for classes
};

}  // namespace fed::data
