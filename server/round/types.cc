#include "round/types.h"

#include "base/error.h"

namespace fed::round {

const char* name(TaskKind kind) {
  switch (kind) {
    case TaskKind::training:
      return "training";
    case TaskKind::statistics:
      return "statistics";
  }
  FED_CHECK(false);
}

const char* name(Phase phase) {
  switch (phase) {
    case Phase::idle:
      return "idle";
    case Phase::selecting:
      return "selecting";
    case Phase::collecting:
      return "collecting";
    case Phase::securing:
      return "securing";
    case Phase::closing:
      return "closing";
    case Phase::committing:
      return "committing";
    case Phase::abandoned:
      return "abandoned";
  }
  FED_CHECK(false);
}

const char* name(JobState state) {
  switch (state) {
    case JobState::running:
      return "running";
    case JobState::paused:
      return "paused";
    case JobState::draining:
      return "draining";
    case JobState::finished:
      return "finished";
    case JobState::cancelled:
      return "cancelled";
  }
  FED_CHECK(false);
}

const char* name(Status status) {
  switch (status) {
    case Status::not_asked:
      return "not asked";
    case Status::asked:
      return "asked";
    case Status::downloading:
      return "downloading";
    case Status::training:
      return "training";
    case Status::uploading:
      return "uploading";
    case Status::ready:
      return "ready";
    case Status::storing:
      return "storing";
    case Status::accepted:
      return "accepted";
    case Status::refused:
      return "refused";
    case Status::failed:
      return "failed";
    case Status::removed:
      return "removed";
  }
  FED_CHECK(false);
}

const char* name(Outcome outcome) {
  switch (outcome) {
    case Outcome::accepted:
      return "accepted";
    case Outcome::refused:
      return "refused";
    case Outcome::discarded:
      return "discarded";
  }
  FED_CHECK(false);
}

bool outstanding(Status status) { return status <= Status::storing; }

}  // namespace fed::round
