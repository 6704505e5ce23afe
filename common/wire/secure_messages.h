// The messages of secure aggregation (common/secagg) as they travel: who they are about, and what
// the protocol's own structs hold.
//
// One attempt at the sum of one round is named by job and attempt; `task` is the receiver's or the
// sender's own task of that job, whose update is to be in the sum. The server goes first in every
// step, and says its message again to a client that has reconnected; the client gives the answer
// that it gave before. Plain values; copy and move freely.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "secagg/messages.h"
#include "secagg/terms.h"

namespace fed::wire {

// Which attempt a message belongs to. Attempts are numbered from 1 in each job, and no number is
// used twice.
struct SecureName {
  std::string job;
  std::int64_t task = 0;
  std::int64_t attempt = 0;

  bool operator==(const SecureName&) const = default;
};

// Server to client: the update that the client has offered is to be in a sum. `terms.job` and
// `terms.attempt` are the name's.
struct SecureTerms {
  SecureName name;
  secagg::Terms terms;
};
// Client to server.
struct SecureKeys {
  SecureName name;
  secagg::SignedKeys keys;
};
// Server to client. `identities` has one Ed25519 key for each entry, as the server has enrolled it:
// for clients that have not met before.
struct SecureRoster {
  SecureName name;
  secagg::Roster roster;
  std::vector<std::array<std::uint8_t, 32>> identities;
};
// Client to server.
struct SecureShares {
  SecureName name;
  secagg::ShareMessage shares;
};
// Server to client; the client answers with an Offer of its masked input for this attempt.
struct SecureDelivery {
  SecureName name;
  secagg::ShareDelivery delivery;
};
// Server to client: all inputs are there that will be.
struct SecureSurvivors {
  SecureName name;
  secagg::SurvivorSet set;
};
// Client to server.
struct SecureSignature {
  SecureName name;
  std::array<std::uint8_t, 64> signature{};
};
// Server to client.
struct SecureSignatures {
  SecureName name;
  std::vector<secagg::SurvivorSignature> signatures;
};
// Client to server.
struct SecureReveal {
  SecureName name;
  secagg::Revelation shares;
};
// Client to server: it takes no further part in this attempt. `reason` is secagg::RefusalReason's
// name, `detail` a sentence for people.
struct SecureRefused {
  SecureName name;
  std::string reason;
  std::string detail;
};
// Server to client: the attempt came to nothing. The client keeps its update; there may be another
// attempt.
struct SecureAbandoned {
  SecureName name;
  std::string detail;
};

}  // namespace fed::wire
