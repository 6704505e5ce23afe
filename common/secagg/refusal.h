// Why a client takes no further part, and why the server gives a round up.
//
// Expected outcomes, so they are values. Code branches on the reason; the one sentence beside it is
// for people and names no secret.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "secagg/roster.h"

namespace fed::secagg {

enum class RefusalReason {
  out_of_turn,            // a message of another phase, or after the end
  malformed,              // a list out of order or of the wrong size
  replayed_round,         // these terms were answered before
  other_job,              // a job, round or shape that this client was not asked for
  other_model,            // the hash of the global model differs from its own
  other_settings,         // the hash of the hyper-parameters does
  cohort_too_small,       // fewer clients than it wants to hide among
  cohort_too_large,       // more clients than a sum may have
  weak_parameters,        // neighbours or threshold below its own rule
  own_keys_altered,       // its own entry is missing from the roster or differs
  unknown_peer,           // a client whose identity key it does not know
  bad_signature,          // keys that their client has not signed
  duplicate_peer,         // one id or one key twice
  unsafe_key,             // a public key of small order
  too_few_sharers,        // too few dealt shares for its input to be hidden or rebuilt
  absent_from_sharers,    // it dealt shares and is said not to have
  not_among_sharers,      // survivors and drop-outs are not those who dealt shares
  both_shares,            // survivors and drop-outs overlap: both secrets of one peer
  absent_from_survivors,  // its own input is said not to be in the sum
  too_few_survivors,      // of everybody, or of some survivor's neighbours
  second_survivor_set,    // it has signed one for this attempt
  no_quorum,              // too few holders of some peer's shares signed this survivor set
  repeated_unmasking,     // it has revealed its shares
  not_recorded,           // what must be on its disk before it answers did not get there
};

// The enum's name: "out_of_turn", ...
const char* name(RefusalReason reason);

struct Refusal {
  RefusalReason reason = RefusalReason::out_of_turn;
  std::string detail;
};

template <class T>
using Answer = boost::system::result<T, Refusal>;

enum class AbandonReason {
  too_few_clients,     // sent keys
  no_parameters,       // no threshold is safe for those who did
  too_few_sharers,     // dealt shares
  too_few_survivors,   // sent inputs, of everybody or of somebody's neighbours
  no_quorum,           // signed the survivor set
  too_few_shares,      // came back to rebuild somebody's secret
  inconsistent_dealer  // a secret that was rebuilt is not the one that was committed to
};

const char* name(AbandonReason reason);

struct Abandoned {
  AbandonReason reason = AbandonReason::too_few_clients;
  std::string detail;
  std::optional<ClientId> culprit;  // whom to leave out of the next attempt
};

template <class T>
using Attempt = boost::system::result<T, Abandoned>;

// "reason: detail", for logs and failed tests.
std::ostream& operator<<(std::ostream& out, const Refusal& refusal);
std::ostream& operator<<(std::ostream& out, const Abandoned& end);

// What value() throws; found by argument-dependent lookup.
[[noreturn]] void throw_exception_from_error(const Refusal& refusal, const boost::source_location&);
[[noreturn]] void throw_exception_from_error(const Abandoned& end, const boost::source_location&);

}  // namespace fed::secagg
