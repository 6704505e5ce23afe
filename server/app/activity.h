// What a client is doing for a job, as it says itself: how far it is, how fast, and when it will be
// done.
//
// Of every phase of a task (downloading, training, uploading) the time that it took the last time
// is remembered, so that a client that still downloads has an estimate too. Pure; not thread-safe.
#pragma once

#include <array>
#include <optional>

#include "app/meter.h"
#include "wire/messages.h"

namespace fed::app {

class Activity {
 public:
  void progressed(const wire::Progress& progress, Instant now);
  // Its update has been decided on.
  void answered(std::int64_t task, Instant now);
  // Its connection has ended: whatever it did stands still, and may begin anew.
  void interrupted() { present_.reset(); }

  // Of what it said last: bytes a second, rows while it trains. Nothing if it does nothing.
  std::optional<double> per_second(Instant now) const;

  // Seconds until its update is here, if it goes on as it does; `done` of `total` at `rate` (0
  // if it stands still) of the present phase. Nothing if that cannot be told.
  std::optional<double> finish_s(std::uint64_t done, std::uint64_t total,
                                 std::optional<double> rate, Instant now) const;

 private:
  struct Present {
    std::int64_t task = 0;
    std::size_t phase = 0;
    Instant since{};
    Meter meter{};
  };
  void leave(Instant now);

  std::optional<Present> present_;
  std::array<std::optional<double>, 3> took_{};  // seconds, by wire::Phase
};

}  // namespace fed::app
