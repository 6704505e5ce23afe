// What a journal goes through, step by step, and how far it has come as it tells itself.
#pragma once

#include <catch2/catch.hpp>
#include <functional>

#include "registry.h"

namespace fed::store::testing {

// A life, step by step; wide rows, so that a full disk strikes at many places.
inline std::vector<std::function<Status(Journal&)>> attempts() {
  const std::string wide(3000, 'x');
  const auto contribution = [=](std::int64_t round, std::int64_t client) {
    auto made = accepted(round, client);
    made.metrics = wide;
    return made;
  };
  auto first = commit(1, 1);
  first.metrics = wide;
  first.contributions = {{1, 1}, {1, 2}};
  return {
      [](Journal& j) { return j.add_invite(invite(1, "north")); },
      [](Journal& j) -> Status {
        FED_TRY(j.take_invite(invite(1, "").id, key(11), key(21), kNow));
        return {};
      },
      [=](Journal& j) { return j.add_job("fashion", wide, "running", kNow); },
      [](Journal& j) { return j.begin_round(start(1, 1)); },
      [=](Journal& j) { return accept(j, contribution(1, 1)); },
      [=](Journal& j) { return accept(j, contribution(1, 2)); },
      [](Journal& j) { return j.set_round_state("fashion", 1, 1, "closing", 0); },
      [=](Journal& j) { return j.commit_round(first); },
      [](Journal& j) { return j.begin_round(start(2, 1)); },
      [=](Journal& j) { return accept(j, contribution(2, 5)); },
      [](Journal& j) {
        return j.open_tasks("fashion", {{7, 1, 1, 10}, {8, 2, 1, 10}});
      },
      [](Journal& j) { return j.end_task("fashion", 7); },
  };
}

// How many of the steps a journal shows: each leaves a trace of its own.
inline std::size_t steps_seen(Journal& journal) {
  const bool joined = !journal.clients().value().empty();
  if (!joined) return journal.invites().value().empty() ? 0 : 1;
  if (journal.jobs().value().empty()) return 2;
  const JobProgress progress = journal.load_job_progress("fashion").value();
  if (progress.job.version == 1) {
    if (!progress.open) return 8;
    CHECK(progress.open == start(2, 1));
    if (progress.tasks.empty()) return 9 + progress.contributions.size();
    return progress.tasks.size() == 2 ? 11 : 12;
  }
  if (!progress.open) return 3;
  return 4 + progress.contributions.size() + (progress.open_state == "closing" ? 1 : 0);
}

}  // namespace fed::store::testing
