// What a client has told of its site's own limits, and what follows for asking it.
//
// The client enforces its limits by itself; the server only avoids to ask what would be given back.
// Plain values and pure functions; time is an argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "wire/messages.h"

namespace fed::app {

struct SiteLimits {
  wire::Availability said;
  Instant at{};  // when

  // When `open` changes, as it was announced; nothing if it does not.
  std::optional<Instant> changes_at() const;
};

// What a task costs a client in time.
struct TaskCost {
  std::optional<double> measured_s;            // how long its tasks took recently
  std::uint64_t down_bytes = 0, up_bytes = 0;  // that must move in any case
};

// At least so many seconds: what was measured, or what its line needs for the bytes.
double least_seconds(const wire::Availability& site, const TaskCost& cost);

// Why a client is not to be asked at `now`, as a sentence for the operator; nothing if it may be.
// `round_s_max`: how long a round lasts at most.
std::optional<std::string> why_not(const SiteLimits& site, const TaskCost& cost, double round_s_max,
                                   Instant now);

// The last moment at which it may be asked, if its hours end.
std::optional<Instant> latest_start(const SiteLimits& site, const TaskCost& cost);

// "resting until 22:00", by this machine's clock, at `now`, which is `unix_now`. A day is named
// where it is not within 24 hours.
std::string rest_text(const SiteLimits& site, Instant now, std::int64_t unix_now);

// "2 Mbit/s up, 10 Mbit/s down, hours 20:00-06:00"; empty if it has none.
std::string limits_text(const wire::Availability& site);

}  // namespace fed::app
