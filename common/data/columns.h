// Which of a file's columns a job reads, and what a row means to it.
//
// A job names columns once for all sites; a site maps the names to its own ("columns" of its data
// section) and may restrict what is used at all ("features"). `Columns::bind` joins the two with a
// file's header; `read` turns a record into numbers, positions of categories and a label, or says
// what is wrong with it. Columns that the job does not name are not read.
//
// Category values and classes are compared as text; a cell that equals none is then compared as a
// number, so that "1.0" is "1" (tools write whole numbers so once a column has gaps), unless the
// job itself tells them apart. Spaces around a cell do not count.
//
// Immutable after `bind`; safe from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/data.h"
#include "config/job.h"
#include "data/csv.h"
#include "data/problems.h"

namespace fed::data {

// What a job asks of the data besides a file's own description.
struct Expectation {
  // Null: every column but the label is a number (csv), or the data are images.
  const config::InputsSpec* inputs = nullptr;
  std::int64_t classes = 0;     // of the label when `inputs` is null; 0 = a number
  bool labels_required = true;  // false: a file for predictions, where the label may be absent
};

// The positions of some values.
class ValueIndex {
 public:
  explicit ValueIndex(const std::vector<std::string>& values);
  std::optional<std::int32_t> find(std::string_view cell) const;

 private:
  std::map<std::string, std::int32_t, std::less<>> by_text_;
  std::map<double, std::int32_t> by_number_;  // empty if two values are the same number
};

// One record, as the job sees it. Both vectors have one entry per column of the job; which is used
// depends on its type.
struct Row {
  static constexpr std::int32_t kNoCategory = -1;

  std::vector<double> numbers;  // NaN: missing
  // Position in ColumnSpec::values; values.size(): another value; kNoCategory: missing.
  std::vector<std::int32_t> categories;
  double label = 0;  // class index, or the number
};

class Columns {
 public:
  // Joins the job's inputs with the file's header. A job without inputs reads every column but the
  // label (or those that "features" lists) as numbers, in the order of their names, so that sites
  // with the same names agree; the label then has the classes "0", "1", ... or is a number.
  // ErrorCode::invalid with every column that is absent, named twice, mapped from a name that the
  // job does not have, or withheld by the site.
  static Result<Columns> bind(const Expectation& expectation, const config::DataSpec& data,
                              const fs::path& path, std::span<const std::string_view> header);

  const config::InputsSpec& inputs() const { return inputs_; }
  bool has_label() const { return label_.has_value(); }

  // Reads the record into `row`. False, and one problem for each cell that is wrong, if it cannot
  // be used.
  bool read(const CsvReader& record, Row& row, Problems& problems) const;

 private:
  struct Column {
    std::size_t at = 0;  // in a record
    std::string name;    // in the file
    ValueIndex values{{}};
  };

  explicit Columns(config::InputsSpec inputs)
      : inputs_(std::move(inputs)), classes_(inputs_.classes) {}
  bool read_number(std::size_t index, std::string_view cell, Row& row, std::string& problem) const;
  bool read_category(std::size_t index, std::string_view cell, Row& row,
                     std::string& problem) const;
  bool read_label(std::string_view cell, Row& row, std::string& problem) const;

  config::InputsSpec inputs_;
  std::vector<Column> columns_;  // as inputs_.columns
  std::optional<Column> label_;
  ValueIndex classes_;
  std::string hint_;       // behind "is not a number"
  std::size_t width_ = 0;  // of the header
};

}  // namespace fed::data
