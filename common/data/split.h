// How rows are dealt to the clients of a trial: alike, or as unlike as real sites are.
//
// Pure functions; thread-safe. The same classes, scheme and seed give the same parts on every
// machine whose libm agrees (the gamma variates of `dirichlet` use log and pow).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace fed::data {

inline constexpr std::int64_t kSplitClientsMax = 10'000;
inline constexpr std::int64_t kPartRowsMin = 10;  // dirichlet

struct Scheme {
  // iid:       the shuffled rows in parts whose sizes differ by at most one.
  // dirichlet: each class is dealt by proportions drawn from a symmetric Dirichlet distribution
  // over the clients
  //            (Yurochkin et al. 2019, section 4; Hsu et al. 2019 draw per client). A small
  //            concentration gives most of a class to few clients. Drawn again until each client
  //            has kPartRowsMin rows.
  // labels:    each client has this many classes, all classes are used equally often (by one more
  // at most) and a
  //            class is dealt evenly to its clients (the pathological split of McMahan et al. 2017,
  //            section 3, without shards that straddle two classes).
  enum class Kind { iid, dirichlet, labels };

  Kind kind = Kind::iid;
  double concentration = 0;  // dirichlet, > 0
  std::int64_t labels = 0;   // labels, >= 1

  bool operator==(const Scheme&) const = default;
};

// "iid", "dirichlet:0.5", "labels:2". ErrorCode::invalid.
Result<Scheme> parse_scheme(std::string_view text);

// The part, from 0, of each row, where classes[row] numbers the row's class. ErrorCode::invalid if
// there are too few rows or classes for the scheme.
Result<std::vector<std::uint32_t>> assign(const Scheme& scheme,
                                          std::span<const std::uint32_t> classes,
                                          std::int64_t clients, std::uint64_t seed);

}  // namespace fed::data
