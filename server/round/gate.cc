#include "round/gate.h"

#include <fmt/format.h>

#include "round/policy.h"

namespace fed::round {

namespace {

Refusal refusal(Reason reason) { return {reason, sentence(reason)}; }

Refusal refusal(Reason reason, const std::string& numbers) {
  return {reason, fmt::format("{} ({})", sentence(reason), numbers)};
}

const Member* find(const GateView& gate, ClientId client, std::int64_t task) {
  const auto at = gate.members.find(client);
  return at == gate.members.end() || at->second.task != task ? nullptr : &at->second;
}

bool ended(const GateView& gate) {
  return gate.job == JobState::finished || gate.job == JobState::cancelled;
}

// The update that a receipt was given for: the receipt once more, without a look at the rest.
std::optional<Refusal> check_answered(const GateView& gate, ClientId client, std::int64_t task,
                                      const Checksum* checksum) {
  const auto at = gate.answered.find(client);
  if (at == gate.answered.end() || at->second.task != task) return std::nullopt;
  const bool same = checksum == nullptr || at->second.checksum == *checksum;
  return same ? Refusal{} : refusal(Reason::duplicate);
}

// The client has no such task: why not.
Refusal no_task(const GateView& gate, std::int64_t task) {
  if (task > gate.last_task) {
    return refusal(Reason::unknown_round,
                   fmt::format("task {}; the last one is {}", task, gate.last_task));
  }
  if (gate.asynchronous) return refusal(Reason::task_over);
  const bool over =
      task < gate.round || gate.phase == Phase::closing || gate.phase == Phase::committing;
  return refusal(over ? Reason::round_closed : Reason::not_in_cohort);
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
    case Status::ready:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Refusal> check_phase(const GateView& gate) {
  switch (gate.phase) {
    case Phase::collecting:
    case Phase::securing:
      return std::nullopt;
    case Phase::closing:
    case Phase::committing:
      if (gate.asynchronous) return std::nullopt;  // it may be part of the next version
      return refusal(Reason::round_closed);
    case Phase::idle:
    case Phase::selecting:
    case Phase::abandoned:
      return refusal(Reason::attempt_abandoned);
  }
  return std::nullopt;
}

// What it says of itself.
std::optional<Refusal> check_words(const GateView& gate, const Member& member,
                                   const Offered& offer) {
  if (offer.base_version != member.base_version) {
    return refusal(
        Reason::wrong_base_version,
        fmt::format("from version {}; the task names {}", offer.base_version, member.base_version));
  }
  if (offer.bytes != gate.shape.bytes) {
    return refusal(Reason::wrong_size,
                   fmt::format("{} bytes; the task names {}", offer.bytes, gate.shape.bytes));
  }
  if (offer.examples < 1 || offer.examples > member.examples) {
    return refusal(Reason::examples_out_of_range,
                   fmt::format("{} examples; declared were {}", offer.examples, member.examples));
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
  if (auto answered = check_answered(gate, offer.client, offer.task, &offer.checksum)) {
    return answered;
  }
  if (ended(gate)) return refusal(Reason::job_ended);
  const Member* member = find(gate, offer.client, offer.task);
  if (!member) return no_task(gate, offer.task);
  if (auto decided =
          check_member(*member, member->ticket && member->ticket->checksum == offer.checksum)) {
    return decided;
  }
  if (auto closed = check_phase(gate)) return closed;
  return check_words(gate, *member, offer);
}

std::optional<Refusal> check_ready(const GateView& gate, const Offered& offer) {
  if (auto answered = check_answered(gate, offer.client, offer.task, &offer.checksum)) {
    return answered;
  }
  if (ended(gate)) return refusal(Reason::job_ended);
  const Member* member = find(gate, offer.client, offer.task);
  if (!member) return no_task(gate, offer.task);
  // Part of the sum that is being made, or of the version.
  if (member->status == Status::accepted || member->status == Status::storing) return std::nullopt;
  if (auto decided = check_member(*member, true)) return decided;
  if (auto closed = check_phase(gate)) return closed;
  return check_words(gate, *member, offer);
}

std::optional<Refusal> check_upload(const GateView& gate, const UploadCompleted& upload) {
  if (auto answered = check_answered(gate, upload.client, upload.task, nullptr)) return answered;
  if (ended(gate)) return refusal(Reason::job_ended);
  const Member* member = find(gate, upload.client, upload.task);
  if (!member) return no_task(gate, upload.task);
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
  if (!(facts.norm <= gate.shape.norm_max)) {
    return refusal(Reason::over_norm,
                   fmt::format("{:g}; the clipping norm is {:g}", facts.norm, gate.shape.norm_max));
  }
  return std::nullopt;
}

}  // namespace fed::round
