// How long recent rounds took, and the deadline that follows from it.
//
// The deadline of the next round is the mean length of the last ones plus so many standard
// deviations, within the operator's bounds. A round that its deadline has ended says only that it
// would have taken longer: it counts as twice its length, so that a deadline that was too short
// doubles until rounds end by themselves again (the idea of the retransmission timer, RFC 6298,
// section 5.5). Until three rounds were seen, after a restart too, the deadline is the latest one.
// In an asynchronous job a task takes the place of the round.
//
// Plain value; not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "base/clock.h"
#include "round/policy.h"

namespace fed::round {

class Pace {
 public:
  // `cut_short`: by the deadline.
  void add(Duration length, bool cut_short);

  // From the beginning of the next round to its deadline.
  Duration deadline(const Policy& policy) const;

  // Mean length of the rounds seen; none before the first.
  std::optional<Duration> mean() const;

 private:
  static constexpr std::size_t kRounds = 8;
  static constexpr std::size_t kRoundsLeast = 3;
  std::deque<double> seconds_;  // of the last rounds
};

}  // namespace fed::round
