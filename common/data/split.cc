#include "data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/random.h"
#include "data/text.h"

namespace fed::data {
namespace {

using Rows = std::vector<std::uint32_t>;

constexpr int kDrawsMax = 1000;
constexpr double kConcentrationMax = 1e6;
constexpr std::uint64_t kStream = 0x73706c6974;  // apart from other uses of the same seed

Error wrong(std::string detail) { return {ErrorCode::invalid, std::move(detail)}; }

// The rows of each class that occurs, shuffled.
std::vector<Rows> rows_by_class(std::span<const std::uint32_t> classes, Random& random) {
  std::vector<Rows> rows;
  if (!classes.empty())
    rows.resize(*std::max_element(classes.begin(), classes.end()) + std::size_t{1});
  for (std::size_t i = 0; i < classes.size(); ++i) {
    rows[classes[i]].push_back(static_cast<std::uint32_t>(i));
  }
  std::erase_if(rows, [](const Rows& of_class) { return of_class.empty(); });
  for (Rows& of_class : rows) random.shuffle(std::span(of_class));
  return rows;
}

// Gives rows[i] to the part `to[j]` where i falls into the j-th of the to.size() even pieces.
void deal_evenly(const Rows& rows, const Rows& to, Rows& part_of_row) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    part_of_row[rows[i]] = to[i * to.size() / rows.size()];
}

std::vector<std::size_t> sizes(const Rows& part_of_row, std::size_t clients) {
  std::vector<std::size_t> count(clients, 0);
  for (std::uint32_t part : part_of_row) ++count[part];
  return count;
}

Rows iid(std::size_t count, std::size_t clients, Random& random) {
  Rows rows(count), parts(clients), part_of_row(count);
  std::iota(rows.begin(), rows.end(), 0u);
  std::iota(parts.begin(), parts.end(), 0u);
  random.shuffle(std::span(rows));
  deal_evenly(rows, parts, part_of_row);
  return part_of_row;
}

// One draw of a symmetric Dirichlet distribution, as running totals that end with 1.
std::vector<double> dirichlet_totals(double concentration, std::size_t size, Random& random) {
  std::vector<double> totals(size);
  double total = 0;
  for (double& at : totals) at = total += random.gamma(concentration);
  if (total > 0) {
    for (double& at : totals) at /= total;
  } else {  // every variate underflowed: in the limit, one takes all
    std::fill(totals.begin() + static_cast<std::ptrdiff_t>(random.below(size)), totals.end(), 1.0);
  }
  totals.back() = 1;
  return totals;
}

void deal_dirichlet(const Rows& rows, double concentration, std::size_t clients, Random& random,
                    Rows& part_of_row) {
  const std::vector<double> totals = dirichlet_totals(concentration, clients, random);
  std::size_t done = 0;
  for (std::size_t client = 0; client < clients; ++client) {
    const double end = std::round(totals[client] * static_cast<double>(rows.size()));
    for (; done < static_cast<std::size_t>(end); ++done) {
      part_of_row[rows[done]] = static_cast<std::uint32_t>(client);
    }
  }
}

Result<Rows> dirichlet(std::span<const std::uint32_t> classes, double concentration,
                       std::size_t clients, Random& random) {
  const auto least_rows = static_cast<std::size_t>(kPartRowsMin);
  if (classes.size() < clients * least_rows) {
    return wrong(fmt::format("{} rows cannot give {} clients at least {} each", classes.size(),
                             clients, kPartRowsMin));
  }
  const std::vector<Rows> rows = rows_by_class(classes, random);
  Rows part_of_row(classes.size());
  for (int draw = 0; draw < kDrawsMax; ++draw) {
    for (const Rows& of_class : rows) {
      deal_dirichlet(of_class, concentration, clients, random, part_of_row);
    }
    const auto count = sizes(part_of_row, clients);
    if (*std::min_element(count.begin(), count.end()) >= least_rows) return part_of_row;
  }
  return wrong(
      fmt::format("none of {} draws gave every client {} rows; choose fewer clients or a larger "
                  "concentration than {}",
                  kDrawsMax, kPartRowsMin, concentration));
}

// The `wanted` classes that were used least, at random among equals; counts them as used.
std::vector<std::size_t> least_used(std::vector<std::size_t>& uses, std::size_t wanted,
                                    Random& random) {
  std::vector<std::size_t> order(uses.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  random.shuffle(std::span(order));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return uses[a] < uses[b]; });
  order.resize(wanted);
  for (std::size_t chosen : order) ++uses[chosen];
  return order;
}

Result<Rows> by_labels(std::span<const std::uint32_t> classes, std::size_t labels,
                       std::size_t clients, Random& random) {
  const std::vector<Rows> rows = rows_by_class(classes, random);
  if (labels > rows.size()) {
    return wrong(fmt::format("{} labels a client are more than the {} classes of the data", labels,
                             rows.size()));
  }
  if (labels * clients < rows.size()) {
    return wrong(
        fmt::format("{} clients of {} labels leave some of the {} classes out; use at least {} "
                    "clients",
                    clients, labels, rows.size(), (rows.size() + labels - 1) / labels));
  }
  std::vector<std::size_t> uses(rows.size(), 0);
  std::vector<Rows> clients_of_class(rows.size());
  for (std::size_t client = 0; client < clients; ++client) {
    for (std::size_t chosen : least_used(uses, labels, random)) {
      clients_of_class[chosen].push_back(static_cast<std::uint32_t>(client));
    }
  }
  Rows part_of_row(classes.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].size() < clients_of_class[i].size()) {
      return wrong(fmt::format("a class of {} rows cannot be dealt to {} clients", rows[i].size(),
                               clients_of_class[i].size()));
    }
    deal_evenly(rows[i], clients_of_class[i], part_of_row);
  }
  return part_of_row;
}

template <class T>
std::optional<T> whole(std::string_view text) {
  T value{};
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<Scheme> parse_scheme(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view argument = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (text == "iid") return Scheme{};
  if (kind == "dirichlet") {
    const auto value = whole<double>(argument);
    if (!value || !(*value > 0 && *value <= kConcentrationMax)) {
      return wrong(in_quotes(text) +
                   " needs a concentration above 0, at most 1000000, as in dirichlet:0.5");
    }
    return Scheme{.kind = Scheme::Kind::dirichlet, .concentration = *value};
  }
  if (kind == "labels") {
    const auto value = whole<std::int64_t>(argument);
    if (!value || *value < 1) {
      return wrong(in_quotes(text) + " needs a whole number of labels, at least 1, as in labels:2");
    }
    return Scheme{.kind = Scheme::Kind::labels, .labels = *value};
  }
  return wrong(in_quotes(text) +
               " is not a scheme; allowed: iid, dirichlet:CONCENTRATION, labels:COUNT");
}

Result<std::vector<std::uint32_t>> assign(const Scheme& scheme,
                                          std::span<const std::uint32_t> classes,
                                          std::int64_t clients, std::uint64_t seed) {
  if (clients < 1 || clients > kSplitClientsMax) {
    return wrong(fmt::format("{} clients; allowed: 1 to {}", clients, kSplitClientsMax));
  }
  const auto count = static_cast<std::size_t>(clients);
  if (classes.size() < count) {
    return wrong(fmt::format("{} rows cannot be dealt to {} clients", classes.size(), clients));
  }
  Random random(mix_seed({kStream, seed}));
  switch (scheme.kind) {
    case Scheme::Kind::iid:
      return iid(classes.size(), count, random);
    case Scheme::Kind::dirichlet:
      return dirichlet(classes, scheme.concentration, count, random);
    case Scheme::Kind::labels:
      return by_labels(classes, static_cast<std::size_t>(scheme.labels), count, random);
  }
  FED_CHECK(false);
}

}  // namespace fed::data
