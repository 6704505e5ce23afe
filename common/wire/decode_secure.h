// The readers of the messages of secure aggregation and of homomorphic encryption. decode finds
// them beside its own, which it keeps to itself, by argument-dependent lookup. Only for the `.cc`
// files of this folder. Thread-safe.
#pragma once

#include "wire/checker.h"
#include "wire_generated.h"

namespace fed::wire {

Message read(const fb::SecureTerms& m, Checker& c);
Message read(const fb::SecureKeys& m, Checker& c);
Message read(const fb::SecureRoster& m, Checker& c);
Message read(const fb::SecureShares& m, Checker& c);
Message read(const fb::SecureDelivery& m, Checker& c);
Message read(const fb::SecureSurvivors& m, Checker& c);
Message read(const fb::SecureSignature& m, Checker& c);
Message read(const fb::SecureSignatures& m, Checker& c);
Message read(const fb::SecureReveal& m, Checker& c);
Message read(const fb::SecureRefused& m, Checker& c);
Message read(const fb::SecureAbandoned& m, Checker& c);

Message read(const fb::KeyHeld& m, Checker& c);
Message read(const fb::DecryptSum& m, Checker& c);
Message read(const fb::DecryptedSum& m, Checker& c);
Message read(const fb::DecryptionRefused& m, Checker& c);

}  // namespace fed::wire
