// A site's hours and rates as it tells them to its server.
//
// Immutable; thread-safe.
#pragma once

#include "config/site.h"
#include "session/hours.h"
#include "wire/messages.h"

namespace fed::session {

class Site {
 public:
  explicit Site(const config::SiteLimitsSpec& limits) : limits_(limits), hours_(limits.hours) {}

  // Whether there is anything to tell. A client without limits says nothing and is always open.
  bool limited() const {
    return hours_.limited() || limits_.upload_mbit_s_max > 0 || limits_.download_mbit_s_max > 0;
  }
  const Hours& hours() const { return hours_; }

  wire::Availability availability(const LocalTime& time) const;

  // "resting until 20:00", "open until Mon 06:00", or "open".
  std::string state(const LocalTime& time) const;

 private:
  config::SiteLimitsSpec limits_;
  Hours hours_;
};

}  // namespace fed::session
