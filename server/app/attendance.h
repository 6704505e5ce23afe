// Who is at work for a job, and how long its tasks have taken each client lately.
//
// A task takes from its assignment to the receipt of its update. One that was interrupted, because
// the link was lost or the client rested, says nothing about the next one and is not counted. Pure;
// not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/clock.h"

namespace fed::app {

class Attendance {
 public:
  // The same task again, after a new connection, goes on.
  void assigned(std::int64_t client, std::int64_t task, Instant now);
  // The task is over; `accepted`: with an update that counts.
  void ended(std::int64_t client, std::int64_t task, bool accepted, Instant now);
  // The client is gone, or rests.
  void interrupted(std::int64_t client);
  void removed(std::int64_t client) { clients_.erase(client); }

  bool at_work(std::int64_t client) const;
  // Of its tasks lately: each one counts as much as all before it.
  std::optional<double> seconds_per_task(std::int64_t client) const;

 private:
  struct Client {
    std::optional<std::int64_t> task;  // assigned and not over
    Instant since{};
    bool whole = true;  // never interrupted
    std::optional<double> seconds;
  };
  std::map<std::int64_t, Client> clients_;
};

}  // namespace fed::app
