#include "data/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "data/text.h"

namespace fed::data {
namespace {

using Type = config::ColumnSpec::Type;
using Missing = config::InputsSpec::Missing;
using Unknown = config::InputsSpec::Unknown;

constexpr const char* kInferHint =
    "; a job whose columns are not all numbers needs an \"inputs\" section";

// The file's name for a column of the job.
std::string name_in_file(const config::DataSpec& data, const std::string& name) {
  const auto mapped = data.columns.find(name);
  return mapped == data.columns.end() ? name : mapped->second;
}

// The job's name for a column of the file.
std::string name_in_job(const config::DataSpec& data, const std::string& name) {
  for (const auto& [job, file] : data.columns) {
    if (file == name) return job;
  }
  return name;
}

std::vector<std::string> trimmed(std::span<const std::string_view> header) {
  std::vector<std::string> names;
  for (std::string_view name : header) names.emplace_back(trim(name));
  return names;
}

// Adds a problem for every name that the header has twice; columns without a name cannot be meant.
void find_duplicates(const std::vector<std::string>& names, Problems& problems) {
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto [seen, is_new] = first.emplace(names[i], i);
    if (is_new || names[i].empty()) continue;
    problems.add(fmt::format("the header has {} twice, as columns {} and {}", in_quotes(names[i]),
                             seen->second + 1, i + 1));
  }
}

std::string absent(const config::DataSpec& data, const std::string& name,
                   const std::vector<std::string>& header) {
  const std::string wanted = name_in_file(data, name);
  std::string problem = "there is no column " + in_quotes(wanted);
  if (wanted != name) problem += " (the job's " + in_quotes(name) + ")";
  if (header.size() == 1 && header[0].find_first_of(",;\t|") != std::string::npos) {
    return problem + "; the header is a single column " + in_quotes(header[0]) +
           ", is another \"delimiter\" meant?";
  }
  const std::string hint = did_you_mean(wanted, header);
  return problem + (hint.empty() ? "; the file has " + listed(header) : hint);
}

bool allowed(const config::DataSpec& data, const std::string& name) {
  return data.features.empty() ||
         std::find(data.features.begin(), data.features.end(), name) != data.features.end();
}

void check_site(const config::InputsSpec& inputs, const config::DataSpec& data,
                Problems& problems) {
  std::vector<std::string> names{inputs.label};
  for (const auto& column : inputs.columns) {
    names.push_back(column.name);
    if (!allowed(data, column.name)) {
      problems.add("the job reads " + in_quotes(column.name) +
                   ", which \"features\" of this site does not list");
    }
  }
  if (!data.label.empty() && data.label != inputs.label) {
    problems.add("the job predicts " + in_quotes(inputs.label) +
                 ", but the \"label\" of this site is " + in_quotes(data.label));
  }
  for (const auto& [job, file] : data.columns) {
    if (std::find(names.begin(), names.end(), job) != names.end()) continue;
    // A map may serve several jobs, so a name is wrong only if it was probably meant otherwise.
    if (const std::string hint = did_you_mean(job, names); !hint.empty()) {
      problems.add("\"columns\" maps " + in_quotes(job) + ", which the job does not have" + hint);
    }
  }
}

Result<config::InputsSpec> infer_inputs(const Expectation& expectation,
                                        const config::DataSpec& data, const fs::path& path,
                                        std::span<const std::string_view> header) {
  if (data.label.empty() && expectation.labels_required) {
    return Error{ErrorCode::invalid,
                 path.string() + ": which column is the label? Set \"label\" in the data section"};
  }
  std::set<std::string> names;
  for (std::string_view cell : header) {
    if (trim(cell).empty()) {
      return Error{ErrorCode::invalid,
                   path.string() + ": a column of the header has no name" + kInferHint};
    }
    const std::string name = name_in_job(data, std::string(trim(cell)));
    if (name != data.label && allowed(data, name)) names.insert(name);
  }
  for (const std::string& name : data.features) {
    if (name != data.label) names.insert(name);  // one that the file lacks is found by `bind`
  }
  config::InputsSpec inputs;
  inputs.label = data.label;
  for (const std::string& name : names) {
    inputs.columns.emplace_back();
    inputs.columns.back().name = name;
  }
  for (std::int64_t i = 0; i < expectation.classes; ++i)
    inputs.classes.push_back(std::to_string(i));
  return inputs;
}

}  // namespace

ValueIndex::ValueIndex(const std::vector<std::string>& values) {
  bool distinct = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto index = static_cast<std::int32_t>(i);
    by_text_.emplace(values[i], index);
    if (const auto number = parse_number(values[i])) {
      distinct &= by_number_.emplace(*number, index).second;
    }
  }
  if (!distinct) by_number_.clear();
}

std::optional<std::int32_t> ValueIndex::find(std::string_view cell) const {
  if (const auto found = by_text_.find(cell); found != by_text_.end()) return found->second;
  if (by_number_.empty()) return std::nullopt;
  const auto number = parse_number(cell);
  if (!number) return std::nullopt;
  const auto found = by_number_.find(*number);
  return found == by_number_.end() ? std::nullopt : std::optional(found->second);
}

Result<Columns> Columns::bind(const Expectation& expectation, const config::DataSpec& data,
                              const fs::path& path, std::span<const std::string_view> header) {
  const bool inferred = expectation.inputs == nullptr;
  FED_ASSIGN(inputs, inferred ? infer_inputs(expectation, data, path, header)
                              : Result<config::InputsSpec>(*expectation.inputs));
  Problems problems(path);
  const std::vector<std::string> names = trimmed(header);
  find_duplicates(names, problems);
  check_site(inputs, data, problems);

  const auto place = [&](const std::string& name) -> std::optional<std::size_t> {
    const auto found = std::find(names.begin(), names.end(), name_in_file(data, name));
    if (found == names.end()) return std::nullopt;
    return static_cast<std::size_t>(found - names.begin());
  };
  Columns columns(inputs);
  columns.width_ = names.size();
  if (inferred) columns.hint_ = kInferHint;
  for (const auto& spec : inputs.columns) {
    const auto at = place(spec.name);
    if (!at) problems.add(absent(data, spec.name, names));
    if (at) columns.columns_.push_back({*at, names[*at], ValueIndex(spec.values)});
  }
  const auto label = place(inputs.label);
  if (label) columns.label_ = Column{*label, names[*label], ValueIndex({})};
  if (!label && expectation.labels_required) {
    problems.add(absent(data, inputs.label, names) + " (it is the label)");
  }
  FED_TRY(problems.status());
  return columns;
}

bool Columns::read(const CsvReader& record, Row& row, Problems& problems) const {
  const auto fields = record.fields();
  if (fields.size() != width_) {
    problems.add(ragged(record, width_));
    return false;
  }
  row.numbers.resize(columns_.size());
  row.categories.resize(columns_.size());
  bool good = true;
  std::string problem;
  const auto report = [&](const Column& column) {
    problems.add(
        fmt::format("line {}, column {}: {}", record.line(), in_quotes(column.name), problem));
    good = false;
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string_view cell = trim(fields[columns_[i].at]);
    const bool is_category = inputs_.columns[i].type == Type::category;
    const bool read_it =
        is_category ? read_category(i, cell, row, problem) : read_number(i, cell, row, problem);
    if (!read_it) report(columns_[i]);
  }
  if (label_ && !read_label(trim(fields[label_->at]), row, problem)) report(*label_);
  return good;
}

bool Columns::read_number(std::size_t index, std::string_view cell, Row& row,
                          std::string& problem) const {
  row.numbers[index] = std::numeric_limits<double>::quiet_NaN();
  if (is_missing(cell)) {
    if (inputs_.missing != Missing::refuse) return true;
    problem = "the value is missing, and the job refuses missing values";
    return false;
  }
  if (const auto number = parse_number(cell)) {
    row.numbers[index] = *number;
    return true;
  }
  problem = why_not_a_number(cell) + hint_;
  return false;
}

bool Columns::read_category(std::size_t index, std::string_view cell, Row& row,
                            std::string& problem) const {
  const auto& values = inputs_.columns[index].values;
  const auto other = static_cast<std::int32_t>(values.size());
  const bool has_other = inputs_.unknown_category == Unknown::other;
  if (const auto found = columns_[index].values.find(cell)) {
    row.categories[index] = *found;
    return true;
  }
  if (is_missing(cell) && inputs_.missing == Missing::refuse) {
    problem = "the value is missing, and the job refuses missing values";
    return false;
  }
  if (is_missing(cell) || has_other) {
    row.categories[index] = has_other ? other : Row::kNoCategory;
    return true;
  }
  problem = in_quotes(cell) + " is not among the values " + listed(values);
  return false;
}

bool Columns::read_label(std::string_view cell, Row& row, std::string& problem) const {
  const auto& classes = inputs_.classes;
  if (const auto found = classes_.find(cell)) {
    row.label = *found;
    return true;
  }
  if (is_missing(cell)) {
    problem = "the label is missing";
    return false;
  }
  if (!classes.empty()) {
    problem = in_quotes(cell) + " is not among the classes " + listed(classes);
    return false;
  }
  const auto number = parse_number(cell);
  if (!number) problem = why_not_a_number(cell);
  row.label = number.value_or(0);
  return number.has_value();
}

}  // namespace fed::data
