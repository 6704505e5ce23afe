#include "report.h"

#include <fmt/format.h>

namespace fed::bench {
namespace {

std::string bar_text(const std::optional<Bar>& bar) {
  if (!bar) return "";
  return fmt::format("{} {:.4g}", bar->sense == Bar::Sense::at_most ? "<=" : ">=", bar->bound);
}

std::string met_text(const Row& row) {
  const auto met = row.met();
  if (!met) return "";
  return *met ? "yes" : "NO";
}

}  // namespace

double Row::ratio() const { return limit_value != 0 ? value / limit_value : 0; }

std::optional<bool> Row::met() const {
  if (!bar) return std::nullopt;
  const double judged = bar->of == Bar::Of::ratio ? ratio() : value;
  return bar->sense == Bar::Sense::at_most ? judged <= bar->bound : judged >= bar->bound;
}

void Report::skip(const std::string& workload, const std::string& why) {
  skipped_.emplace_back(workload, why);
}

std::string Report::to_text() const {
  std::string out = fmt::format("{:<3}{:<52}{:>20}  {:<38}{:>9}{:>10}  {}\n", "", "figure",
                                "measured", "limit, in the same run", "ratio", "bar", "met");
  for (const Row& row : rows_) {
    const std::string value = fmt::format("{:.4g} {}", row.value, row.unit);
    const bool compared = !row.limit.empty();
    const std::string limit =
        compared ? fmt::format("{:.4g} {}: {}", row.limit_value, row.unit, row.limit) : "";
    const std::string ratio = compared ? fmt::format("{:.3g}", row.ratio()) : "";
    out += fmt::format("{:<3}{:<52}{:>20}  {:<38}{:>9}{:>10}  {}\n", row.workload, row.figure,
                       value, limit, ratio, bar_text(row.bar), met_text(row));
    if (!row.note.empty()) out += fmt::format("     {}\n", row.note);
  }
  for (const auto& [workload, why] : skipped_) {
    out += fmt::format("{:<3}left out: {}\n", workload, why);
  }
  return out;
}

Json Report::to_json() const {
  Json rows = Json::array();
  for (const Row& row : rows_) {
    Json json = {{"workload", row.workload},
                 {"figure", row.figure},
                 {"value", row.value},
                 {"unit", row.unit}};
    if (!row.limit.empty()) {
      json["limit"] = {{"what", row.limit}, {"value", row.limit_value}};
      json["ratio"] = row.ratio();
    }
    if (row.bar) {
      const char* sense = row.bar->sense == Bar::Sense::at_most ? "at most" : "at least";
      const char* of = row.bar->of == Bar::Of::ratio ? "ratio" : "value";
      json["bar"] = {{"of", of}, {sense, row.bar->bound}};
      json["met"] = *row.met();
    }
    if (!row.note.empty()) json["note"] = row.note;
    rows.push_back(std::move(json));
  }
  Json skipped = Json::array();
  for (const auto& [workload, why] : skipped_) {
    skipped.push_back({{"workload", workload}, {"why", why}});
  }
  return {{"rows", rows}, {"skipped", skipped}, {"raw", raw_}};
}

}  // namespace fed::bench
