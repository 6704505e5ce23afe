#include "data/csv_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "data/csv_table.h"
#include "data/encode.h"
#include "data/holdout.h"
#include "data/text.h"

namespace fed::data {
namespace {

class CsvSource : public Source {
 public:
  CsvSource(CsvTable table, std::optional<CsvTable> test, std::vector<std::uint8_t> held_out)
      : table_(std::move(table)),
        test_(std::move(test)),
        held_out_(std::move(held_out)),
        held_out_rows_(std::count(held_out_.begin(), held_out_.end(), 1)) {}

  std::int64_t inputs() const override { return config::encoded_width(spec()); }
  std::int64_t train_rows() const override { return table_.rows() - held_out_rows_; }
  std::int64_t test_rows() const override { return test_ ? test_->rows() : held_out_rows_; }

  Result<std::vector<double>> statistics() const override {
    FED_ASSIGN(columns, sum_columns());
    return to_message(columns);
  }

  Result<model::Dataset> load(std::span<const Scaling> federated) const override {
    std::vector<ColumnStatistics> own;
    const bool has_gaps = table_.has_gaps() || (test_ && test_->has_gaps());
    if (has_gaps && needs_own_statistics(spec())) {
      FED_ASSIGN(columns, sum_columns());
      own = std::move(columns);
    }
    FED_ASSIGN(how, transforms(spec(), federated, own));
    FED_ASSIGN(dataset, load_table(table_, held_out_, how));
    if (!test_) return dataset;
    const std::vector<std::uint8_t> all(static_cast<std::size_t>(test_->rows()), 1);
    FED_ASSIGN(test, load_table(*test_, all, how));
    dataset.holdout = std::move(test.holdout);
    return dataset;
  }

 private:
  const config::InputsSpec& spec() const { return table_.columns().inputs(); }

  // Over the training rows; over all where there are none, since then somebody else has trained.
  Result<std::vector<ColumnStatistics>> sum_columns() const {
    std::vector<ColumnStatistics> columns(number_columns(spec()));
    std::size_t next = 0;
    FED_TRY(table_.for_each([&](const Row& row, std::int64_t) -> Status {
      if (held_out_[next++] != 0 && train_rows() > 0) return {};
      std::size_t number = 0;
      for (std::size_t i = 0; i < spec().columns.size(); ++i) {
        if (spec().columns[i].type != config::ColumnSpec::Type::number) continue;
        if (!std::isnan(row.numbers[i])) columns[number].add(row.numbers[i]);
        ++number;
      }
      return {};
    }));
    return columns;
  }

  Result<model::Dataset> load_table(const CsvTable& table, std::span<const std::uint8_t> held_out,
                                    std::span<const Transform> how) const {
    DatasetBuilder builder(held_out, inputs(), table.columns().has_label());
    FED_TRY(table.for_each([&](const Row& row, std::int64_t line) -> Status {
      std::size_t bad = 0;
      if (encode(spec(), how, row, builder.add(static_cast<float>(row.label)), bad)) return {};
      return Error{ErrorCode::invalid,
                   fmt::format("{}: line {}, column {}: the scaled value is not finite",
                               table.path().string(), line, in_quotes(spec().columns[bad].name))};
    }));
    return std::move(builder).report();
  }

  CsvTable table_;
  std::optional<CsvTable> test_;
  std::vector<std::uint8_t> held_out_;  // of table_
  std::int64_t held_out_rows_;
};

Status check_size(const CsvTable& table) {
  const auto values =
      static_cast<std::uint64_t>(config::encoded_width(table.columns().inputs())) + 1;
  const std::uint64_t rows_max = kExamplesBytesMax / sizeof(float) / values;
  if (static_cast<std::uint64_t>(table.rows()) <= rows_max) return {};
  return Error{ErrorCode::too_large,
               fmt::format("{} has {} rows; at {} features a row at most {} can be loaded",
                           table.path().string(), table.rows(), values - 1, rows_max)};
}

Result<std::unique_ptr<Source>> open_csv(const config::DataSpec& data,
                                         const Expectation& expectation) {
  FED_ASSIGN(table, CsvTable::open(data.path, data, expectation));
  FED_TRY(check_size(table));
  std::optional<CsvTable> test;
  if (!data.test_path.empty()) {
    // What was inferred from the one header has to hold for the other.
    Expectation same = expectation;
    same.inputs = &table.columns().inputs();
    FED_ASSIGN(opened, CsvTable::open(data.test_path, data, same));
    FED_TRY(check_size(opened));
    test = std::move(opened);
  }
  const double fraction = test ? 0 : data.test_fraction;
  auto held_out = hold_out(table.rows(), fraction, data.seed);
  return std::unique_ptr<Source>(
      std::make_unique<CsvSource>(std::move(table), std::move(test), std::move(held_out)));
}

}  // namespace

const Format& csv_format() {
  static const Format format{"csv", open_csv, describe_csv, classes_of_csv, write_csv_parts};
  return format;
}

}  // namespace fed::data
