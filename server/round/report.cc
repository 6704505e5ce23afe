#include "round/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace fed::round {

namespace {

std::string selecting(const Report& report) {
  const std::int64_t there = report.accepted + report.available;
  if (there < report.contributions_min) {
    return fmt::format(
        "Round {} waits for {} more client(s) to connect; {} of at least {} are there.",
        report.round, report.contributions_min - there, there, report.contributions_min);
  }
  std::string text =
      fmt::format("Round {} waits a moment for a full cohort; {} of {} clients are there",
                  report.round, there, report.cohort);
  if (report.second_choice > 0) {
    text += fmt::format(", {} of them late for the last round or failed in this one",
                        report.second_choice);
  }
  return text + ".";
}

std::string collecting(const Report& report) {
  const auto gone =
      std::count_if(report.clients.begin(), report.clients.end(), [](const ClientReport& client) {
        return client.member && !client.connected && outstanding(client.status);
      });
  std::string text =
      fmt::format("Round {} has {} of {} updates and waits for {} client(s)", report.round,
                  report.accepted, report.contributions_goal, report.outstanding);
  if (gone > 0) text += fmt::format(", {} of them disconnected", gone);
  if (report.missing() > 0)
    return text + fmt::format("; it needs {} more to count.", report.missing());
  return text + "; it has enough to count at its deadline.";
}

}  // namespace

const char* ClientReport::state() const {
  if (!member && status == Status::not_asked) return "available";
  return member && !connected && outstanding(status) ? "gone" : name(status);
}

std::int64_t Report::missing() const {
  return std::max<std::int64_t>(0, contributions_min - accepted);
}

std::string waiting_for(const Report& report) {
  switch (report.job) {
    case JobState::finished:
    case JobState::cancelled:
      return fmt::format("The job is {}: {}", name(report.job), report.job_reason.detail);
    case JobState::paused:
      return fmt::format("The job is paused: {}", report.job_reason.detail);
    case JobState::running:
    case JobState::draining:
      break;
  }
  switch (report.phase) {
    case Phase::idle:
      return report.job == JobState::draining ? "The job is drained; resume it to go on."
                                              : "The job is about to begin.";
    case Phase::selecting:
      return selecting(report);
    case Phase::collecting:
      return collecting(report);
    case Phase::securing:
      return fmt::format("Round {} sums up the updates of {} client(s) under masks.", report.round,
                         report.accepted);
    case Phase::closing:
    case Phase::committing:
      if (report.retry_at) {
        return fmt::format("Round {} has failed and is tried again: {}", report.round,
                           report.last_failure.detail);
      }
      return fmt::format("Round {} is being {}.", report.round,
                         report.phase == Phase::closing ? "aggregated" : "committed");
    case Phase::abandoned:
      return fmt::format(
          "Attempt {} of round {} failed with {} update(s) kept, and another follows: {}",
          report.attempt, report.round, report.accepted, report.last_failure.detail);
  }
  FED_CHECK(false);
}

}  // namespace fed::round
