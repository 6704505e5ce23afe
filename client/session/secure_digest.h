// What a message of secure aggregation says, as one hash: to know one that comes again.
//
// Each is the hash of a transcript (secagg/terms.h) of every field of the message, lists with their
// lengths, so that two messages have the same hash only if they say the same. Nothing is derived
// from these hashes and none leaves this machine. Pure functions.
#pragma once

#include "wire/secure_messages.h"

namespace fed::session {

crypto::Hash digest(const wire::SecureTerms& message);
crypto::Hash digest(const wire::SecureRoster& message);
crypto::Hash digest(const wire::SecureDelivery& message);
crypto::Hash digest(const wire::SecureSurvivors& message);
crypto::Hash digest(const wire::SecureSignatures& message);

}  // namespace fed::session
