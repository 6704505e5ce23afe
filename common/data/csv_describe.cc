#include <algorithm>
#include <map>

#include "data/csv_format.h"
#include "data/csv_table.h"
#include "data/text.h"

namespace fed::data {
namespace {

using Kind = ColumnDescription::Kind;

// One column, while its cells pass.
class Summary {
 public:
  explicit Summary(std::string_view name) { column_.name = name; }

  void add(std::string_view cell) {
    if (is_missing(cell)) {
      ++column_.missing;
      return;
    }
    ++column_.present;
    count(cell);
    const auto number = parse_number(cell);
    if (!number) all_numbers_ = false;
    if (!number || !all_numbers_) return;
    column_.min = column_.present == 1 ? *number : std::min(column_.min, *number);
    column_.max = column_.present == 1 ? *number : std::max(column_.max, *number);
    sum_.add(*number);
  }

  ColumnDescription report() && {
    if (column_.present > 0) {
      column_.kind = all_numbers_ ? Kind::number : too_many_ ? Kind::text : Kind::category;
    }
    if (column_.kind == Kind::number) {
      column_.mean = sum_.round() / static_cast<double>(column_.present);
    } else {
      column_.min = column_.max = 0;
    }
    for (const auto& [value, rows] : counts_) column_.counts.emplace_back(value, rows);
    std::sort(column_.counts.begin(), column_.counts.end(), in_order);
    return std::move(column_);
  }

 private:
  // Numbers by size before texts by their bytes.
  static bool in_order(const Counts::value_type& a, const Counts::value_type& b) {
    const auto x = parse_number(a.first), y = parse_number(b.first);
    if (x && y && *x != *y) return *x < *y;
    if (x.has_value() != y.has_value()) return x.has_value();
    return a.first < b.first;
  }

  void count(std::string_view cell) {
    if (too_many_) return;
    auto found = counts_.find(cell);
    if (found == counts_.end()) found = counts_.emplace(cell, 0).first;
    ++found->second;
    too_many_ = counts_.size() > ColumnDescription::kCategoriesMax;
    if (too_many_) counts_.clear();
  }

  ColumnDescription column_;
  ExactSum sum_;
  std::map<std::string, std::int64_t, std::less<>> counts_;
  bool all_numbers_ = true;
  bool too_many_ = false;
};

}  // namespace

Result<Description> describe_csv(const config::DataSpec& data) {
  FED_ASSIGN(reader, open_at_header(data.path, data.delimiter));
  std::vector<Summary> summaries;
  for (std::string_view name : reader.fields()) summaries.emplace_back(trim(name));
  Description description;
  Problems problems(data.path);
  while (true) {
    FED_ASSIGN(found, reader.next());
    if (!found) break;
    ++description.rows;
    const auto fields = reader.fields();
    if (fields.size() != summaries.size()) {
      problems.add(ragged(reader, summaries.size()));
      continue;
    }
    for (std::size_t i = 0; i < fields.size(); ++i) summaries[i].add(trim(fields[i]));
  }
  FED_TRY(problems.status());
  const auto mapped = data.columns.find(data.label);
  const std::string& label = mapped == data.columns.end() ? data.label : mapped->second;
  for (Summary& summary : summaries) {
    description.columns.push_back(std::move(summary).report());
    if (description.columns.back().name == label)
      description.classes = description.columns.back().counts;
  }
  return description;
}

}  // namespace fed::data
