#include "app/backoff.h"

#include <algorithm>
#include <cmath>

namespace fed::app {

Duration Backoff::next() {
  const double whole = std::min(std::ldexp(kFirstSeconds, attempts_), seconds_max_);
  if (whole < seconds_max_) ++attempts_;
  return from_seconds(whole * (0.5 + 0.5 * random_.uniform()));
}

}  // namespace fed::app
