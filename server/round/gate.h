// The gate: may this offer, may this update be counted?
//
// Pure functions of what the round looks like and of what came; they change nothing. An empty
// answer means yes. What is checked first wins, so that a client which is late hears that it is
// late, not that its size is wrong.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "round/events.h"
#include "round/member.h"
#include "round/reason.h"
#include "round/types.h"

namespace fed::round {

// What an update of the job must look like.
struct UpdateShape {
  std::uint64_t bytes = 0;  // of its body on the wire
  std::int64_t count = 0;   // coordinates
  double limit = 0;         // largest |coordinate| allowed: beyond it the exact sum does not hold
  double norm_max = std::numeric_limits<double>::infinity();  // Euclidean: what noise covers
};

// The round as the gate sees it. Refers to the engine's state: use it at once, on the engine's
// thread.
struct GateView {
  JobState job = JobState::running;
  Phase phase = Phase::idle;
  std::int64_t round = 0;    // at work, or next
  std::int64_t attempt = 0;  // 0: not begun
  bool asynchronous = false;
  std::int64_t last_task = 0;  // that was given to anybody
  const UpdateShape& shape;
  const Members& members;
  const Receipts& answered;
};

// Whether a client that declares so many examples can be selected at all. The engine takes one that
// cannot for not available, without a word: the app asks first, and tells the client.
std::optional<Refusal> check_available(const ClientAvailable& event);

std::optional<Refusal> check_offer(const GateView& gate, const Offered& offer);
// Of an update that stays with its client until it is summed up. `reason` none: there is a receipt
// for it already.
std::optional<Refusal> check_ready(const GateView& gate, const Offered& offer);
std::optional<Refusal> check_upload(const GateView& gate, const UploadCompleted& upload);

}  // namespace fed::round
