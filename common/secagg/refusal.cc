#include "secagg/refusal.h"

#include <ostream>
#include <stdexcept>

namespace fed::secagg {

const char* name(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::out_of_turn:
      return "out_of_turn";
    case RefusalReason::malformed:
      return "malformed";
    case RefusalReason::replayed_round:
      return "replayed_round";
    case RefusalReason::other_job:
      return "other_job";
    case RefusalReason::other_model:
      return "other_model";
    case RefusalReason::other_settings:
      return "other_settings";
    case RefusalReason::cohort_too_small:
      return "cohort_too_small";
    case RefusalReason::cohort_too_large:
      return "cohort_too_large";
    case RefusalReason::weak_parameters:
      return "weak_parameters";
    case RefusalReason::own_keys_altered:
      return "own_keys_altered";
    case RefusalReason::unknown_peer:
      return "unknown_peer";
    case RefusalReason::bad_signature:
      return "bad_signature";
    case RefusalReason::duplicate_peer:
      return "duplicate_peer";
    case RefusalReason::unsafe_key:
      return "unsafe_key";
    case RefusalReason::too_few_sharers:
      return "too_few_sharers";
    case RefusalReason::absent_from_sharers:
      return "absent_from_sharers";
    case RefusalReason::not_among_sharers:
      return "not_among_sharers";
    case RefusalReason::both_shares:
      return "both_shares";
    case RefusalReason::absent_from_survivors:
      return "absent_from_survivors";
    case RefusalReason::too_few_survivors:
      return "too_few_survivors";
    case RefusalReason::second_survivor_set:
      return "second_survivor_set";
    case RefusalReason::no_quorum:
      return "no_quorum";
    case RefusalReason::repeated_unmasking:
      return "repeated_unmasking";
    case RefusalReason::not_recorded:
      return "not_recorded";
  }
  return "unknown";
}

const char* name(AbandonReason reason) {
  switch (reason) {
    case AbandonReason::too_few_clients:
      return "too_few_clients";
    case AbandonReason::no_parameters:
      return "no_parameters";
    case AbandonReason::too_few_sharers:
      return "too_few_sharers";
    case AbandonReason::too_few_survivors:
      return "too_few_survivors";
    case AbandonReason::no_quorum:
      return "no_quorum";
    case AbandonReason::too_few_shares:
      return "too_few_shares";
    case AbandonReason::inconsistent_dealer:
      return "inconsistent_dealer";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, const Refusal& refusal) {
  return out << name(refusal.reason) << ": " << refusal.detail;
}

std::ostream& operator<<(std::ostream& out, const Abandoned& end) {
  return out << name(end.reason) << ": " << end.detail;
}

void throw_exception_from_error(const Refusal& refusal, const boost::source_location&) {
  throw std::runtime_error(std::string(name(refusal.reason)) + ": " + refusal.detail);
}

void throw_exception_from_error(const Abandoned& end, const boost::source_location&) {
  throw std::runtime_error(std::string(name(end.reason)) + ": " + end.detail);
}

}  // namespace fed::secagg
