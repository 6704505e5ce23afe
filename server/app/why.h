// What a job is waiting for, and because of whom: the sentence with which `fedserver why` begins.
//
// Written for somebody who has never seen the program: it names the site and the cause. Pure: plain
// values in, text out; status.h collects them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "round/report.h"

namespace fed::app {

// A client as it concerns a job.
struct Site {
  std::string name{};
  // Of a member of the round or an available client the report's word ("uploading", "gone", ...);
  // else "unable", "reading" its data before it answers, or "away". Where its site's own limits
  // keep it from work: "resting" outside its hours, "left out" if a task would not fit.
  std::string state{};
  bool member = false;       // of the round at work
  bool outstanding = false;  // a member whose update may still come
  bool connected = false;
  std::optional<std::int64_t> examples{};  // declared; none where the job hides them
  std::optional<double> silent_s{};        // since the last byte from it, or since it was lost
  std::uint64_t done = 0, total = 0;       // bytes; rows while it trains; total 0: unknown
  std::optional<double> rate{};            // of `done`, a second, over the recent seconds
  std::optional<double> ready_s{};         // until its update is here, if all goes on like this
  round::Refusal last_refusal{};           // in the round at work
  std::string detail{};  // why it cannot take part, was lost, rests, or is put off
  std::string limits{};  // of its site, in words; empty if it has none

  // Nothing comes from it, or it does not get any further, though it is connected.
  bool stands_still(double silent_s_max) const;
  bool limited() const { return state == "resting" || state == "left out"; }
};

// What is left to use.
struct Room {
  std::optional<std::uint64_t> disk_free_bytes{};
  std::uint64_t staged_bytes = 0, staged_bytes_max = 0;  // of updates, all jobs; max 0: no limit
  std::uint64_t round_bytes = 0;  // of updates that the round at work has still to receive
  std::uint64_t memory_bytes = 0, memory_bytes_max = 0;  // that the jobs at work need, and may

  bool enough_disk() const { return !disk_free_bytes || *disk_free_bytes >= round_bytes; }
};

struct View {
  std::string job{};
  round::Report report{};
  std::vector<Site> sites{};  // see by_urgency
  Room room{};
  double silent_s_max = 45;            // a client that lives says something within that time
  std::optional<double> deadline_s{};  // of what the round is at: see Report, Progress
  std::optional<double> retry_s{};     // until what has failed is tried again
  std::string sum_step{};              // of the secure sum that is being made; empty: none is
  std::vector<std::string> sum_waits_for{};
  std::optional<std::string> decryption{};  // what the sum of encrypted updates waits for
  std::string key_holder_missing{};         // of a job with encryption; empty: it is there
};

// Those first that hold the round up, the worst of them in front; then by state and name.
void by_urgency(View& view);

// The site that the round at work waits for: of those whose updates are still wanted, the slowest.
// Null if the round waits for nobody. `view` is ordered by by_urgency.
const Site* holding_up(const View& view);

// A few sentences. `view` is ordered by by_urgency.
std::string explain(const View& view);

// What is the matter with this site: "uploads its update at 400.0 kB/s, ...".
std::string cause(const Site& site, double silent_s_max);

}  // namespace fed::app
