#include "round/gate.h"

#include <fmt/format.h>

#include "round/policy.h"

namespace fed::round {

namespace {

Refusal refusal(Reason reason) { return {reason, sentence(reason)}; }

Refusal refusal(Reason reason, const std::string& numbers) {
  return {reason, fmt::format("{} ({})", sentence(reason), numbers)};
}

const Member* find(const Members& members, ClientId client) {
  const auto at = members.find(client);
  return at == members.end() ? nullptr : &at->second;
}

// What holds for anything that comes for a round that is not the one at work.
std::optional<Refusal> check_round(const GateView& gate, std::int64_t round) {
  const bool ended = gate.job == JobState::finished || gate.job == JobState::cancelled;
  if (ended) return refusal(Reason::job_ended);
  if (round < gate.round) return refusal(Reason::round_closed);
  if (round > gate.round || gate.attempt == 0) {
    return refusal(Reason::unknown_round,
                   fmt::format("round {}; the next is {}", round, gate.round));
  }
  return std::nullopt;
}

// What holds for a member whose contribution is decided already. `same`: the update is the one that
// was decided on.
std::optional<Refusal> check_member(const Member& member, bool same) {
  switch (member.status) {
    case Status::accepted:
      return same ? Refusal{} : refusal(Reason::duplicate);
    case Status::storing:
      return refusal(same ? Reason::being_stored : Reason::duplicate);
    case Status::refused:
      return member.last_refusal;
    case Status::failed:
      return refusal(Reason::task_failed);
    case Status::removed:
      return refusal(Reason::removed);
    case Status::not_asked:
    case Status::asked:
    case Status::downloading:
    case Status::training:
    case Status::uploading:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Refusal> check_phase(const GateView& gate) {
  switch (gate.phase) {
    case Phase::collecting:
      return std::nullopt;
    case Phase::closing:
    case Phase::committing:
      return refusal(Reason::round_closed);
    case Phase::idle:
    case Phase::selecting:
    case Phase::abandoned:
      return refusal(Reason::attempt_abandoned);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> check_available(const ClientAvailable& event) {
  if (event.examples >= 1 && event.examples <= kExamplesMax) return std::nullopt;
  return refusal(Reason::examples_out_of_range, fmt::format("declared {}; from 1 to {} are allowed",
                                                            event.examples, kExamplesMax));
}

std::optional<Refusal> check_offer(const GateView& gate, const Offered& offer) {
  if (offer.task == gate.previous.round) {
    const auto at = gate.previous.accepted.find(offer.client);
    if (at != gate.previous.accepted.end()) {
      return at->second == offer.checksum ? Refusal{} : refusal(Reason::duplicate);
    }
  }
  if (auto late = check_round(gate, offer.task)) return late;
  const Member* member = find(gate.members, offer.client);
  if (!member) {
    return refusal(gate.phase == Phase::closing || gate.phase == Phase::committing
                       ? Reason::round_closed
                       : Reason::not_in_cohort);
  }
  if (auto decided =
          check_member(*member, member->ticket && member->ticket->checksum == offer.checksum)) {
    return decided;
  }
  if (auto closed = check_phase(gate)) return closed;
  if (offer.base_version != gate.base_version) {
    return refusal(Reason::wrong_base_version, fmt::format("from version {}; the task names {}",
                                                           offer.base_version, gate.base_version));
  }
  if (offer.bytes != gate.shape.bytes) {
    return refusal(Reason::wrong_size,
                   fmt::format("{} bytes; the task names {}", offer.bytes, gate.shape.bytes));
  }
  if (offer.examples < 1 || offer.examples > member->examples) {
    return refusal(Reason::examples_out_of_range,
                   fmt::format("{} examples; declared were {}", offer.examples, member->examples));
  }
  return std::nullopt;
}

std::optional<Refusal> check_upload(const GateView& gate, const UploadCompleted& upload) {
  if (upload.task == gate.previous.round && gate.previous.accepted.contains(upload.client)) {
    return Refusal{};
  }
  if (auto late = check_round(gate, upload.task)) return late;
  const Member* member = find(gate.members, upload.client);
  if (!member) {
    return refusal(gate.phase == Phase::closing || gate.phase == Phase::committing
                       ? Reason::round_closed
                       : Reason::not_in_cohort);
  }
  if (auto decided = check_member(*member, true)) return decided;
  if (auto closed = check_phase(gate)) return closed;
  if (!member->ticket) return refusal(Reason::not_offered);
  const UploadFacts& facts = upload.facts;
  if (!facts.checksum_ok) return refusal(Reason::checksum_mismatch);
  if (facts.bytes != gate.shape.bytes) {
    return refusal(Reason::wrong_size,
                   fmt::format("{} bytes; the task names {}", facts.bytes, gate.shape.bytes));
  }
  if (facts.count != gate.shape.count) {
    return refusal(Reason::wrong_shape,
                   fmt::format("{} coordinates; the model has {}", facts.count, gate.shape.count));
  }
  if (!facts.finite) return refusal(Reason::not_finite);
  if (!(facts.max_abs <= gate.shape.limit)) {
    return refusal(Reason::over_limit,
                   fmt::format("{:g}; the limit is {:g}", facts.max_abs, gate.shape.limit));
  }
  return std::nullopt;
}

}  // namespace fed::round
