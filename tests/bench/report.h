// What a run of the benchmarks comes to: rows for people, raw numbers for scripts.
//
// Plain values; used from one thread.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace fed::bench {

using Json = nlohmann::ordered_json;

// What a figure must reach: its ratio to the limit, or the figure itself.
struct Bar {
  enum class Sense { at_most, at_least };
  enum class Of { ratio, value };
  Sense sense = Sense::at_most;
  double bound = 0;
  Of of = Of::ratio;
};

// A figure, and what was measured in the same run that it is to be compared with.
struct Row {
  std::string workload;  // its letter
  std::string figure;    // what was measured
  double value = 0;
  std::string unit;
  std::string limit{};  // what the machine could do; empty: there is nothing to compare with
  double limit_value = 0;
  std::optional<Bar> bar{};
  std::string note{};

  double ratio() const;  // 0 without a limit
  // Nothing without a bar.
  std::optional<bool> met() const;
};

class Report {
 public:
  void add(Row row) { rows_.push_back(std::move(row)); }
  // One sentence: which workload was left out, and why.
  void skip(const std::string& workload, const std::string& why);
  // Raw numbers of a workload, under its letter.
  Json& raw(const std::string& workload) { return raw_[workload]; }

  const std::vector<Row>& rows() const { return rows_; }
  std::string to_text() const;
  Json to_json() const;

 private:
  std::vector<Row> rows_;
  std::vector<std::pair<std::string, std::string>> skipped_;
  Json raw_ = Json::object();
};

}  // namespace fed::bench
