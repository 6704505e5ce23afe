// Where a data set lies and how it is read: the `data` section of a client file, and
// `evaluation.data` of a job.
//
// Plain values; copy freely, share const.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fed::config {

struct DataSpec {
  enum class Format { csv, idx };
  Format format = Format::csv;

  std::filesystem::path path;                  // csv
  std::string label;                           // csv: the job's name of the label's column
  std::vector<std::string> features;           // csv: columns that may be used; empty = "all"
  std::map<std::string, std::string> columns;  // csv: the job's name -> the name in this file
  char delimiter = ',';                        // csv
  std::filesystem::path test_path;             // csv: a file of test rows; empty = none

  std::filesystem::path images, labels;            // idx
  std::filesystem::path test_images, test_labels;  // idx: both or neither

  // Part of the rows kept for tests, in [0, 1). 0 where test files are given, and in
  // `evaluation.data`, where all rows are test rows.
  double test_fraction = 0.2;
  std::uint64_t seed = 1;  // of the choice of the test rows

  // Whether it names no file: a client that has no data.
  bool empty() const { return path.empty() && images.empty(); }
  bool operator==(const DataSpec&) const = default;
};

}  // namespace fed::config
