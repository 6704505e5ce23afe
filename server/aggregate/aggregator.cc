#include "aggregate/aggregator.h"

#include <array>
#include <string>

namespace fed::aggregate {

#define FED_AGGREGATOR(name)                                                          \
  std::unique_ptr<Aggregator> make_##name(const Grid& grid, std::size_t coordinates); \
  std::size_t bytes_##name(std::size_t coordinates, std::size_t updates);
#include "aggregate/aggregators.def"
#undef FED_AGGREGATOR

namespace {

#define FED_AGGREGATOR(name) Rule{#name, make_##name, bytes_##name},
constexpr Rule kRules[] = {
#include "aggregate/aggregators.def"
};
#undef FED_AGGREGATOR

}  // namespace

std::span<const Rule> rules() { return kRules; }

Result<const Rule*> find_rule(std::string_view name) {
  std::string known;
  for (const Rule& rule : kRules) {
    if (rule.name == name) return &rule;
    known += (known.empty() ? "" : ", ") + std::string(rule.name);
  }
  return Error{ErrorCode::unsupported,
               "there is no aggregation rule \"" + std::string(name) + "\"; there are: " + known};
}

}  // namespace fed::aggregate
