// The first messages: each client's keys for this attempt, signed by the key it is known by, and
// the list of them that everybody gets.
//
// What the roster says is part of every key that is derived later (context_hash): two clients that
// were shown different lists share no mask and cannot open each other's shares.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "crypto/ed25519.h"
#include "crypto/x25519.h"
#include "secagg/graph.h"
#include "secagg/terms.h"

namespace fed::secagg {

// A client's name, as bytes; the order of clients is that of these bytes.
using ClientId = std::string;
inline constexpr std::size_t kClientIdBytesMax = 255;

struct SignedKeys {
  ClientId id;
  crypto::PublicKey mask_key{};    // for pairwise masks
  crypto::PublicKey share_key{};   // for the encryption of shares
  crypto::Hash self_commitment{};  // to the scalar of its own mask (keys.h)
  crypto::Signature signature{};   // of all of the above and the terms

  bool operator==(const SignedKeys&) const = default;
};

// What the signature is of.
crypto::Hash statement(const SignedKeys& keys, const crypto::Hash& terms);

// All entries in ascending order of their ids, and the parameters that go with their number.
struct Roster {
  Parameters parameters;
  std::vector<SignedKeys> entries;
};

// The verify key of a client that the reader knows and trusts to be one; none for a stranger.
// Answers the same during an attempt.
using IdentityLookup = std::function<std::optional<crypto::VerifyKey>(std::string_view id)>;

// The terms and all entries: from here the graph follows. The parameters are left out, so that
// whoever chooses them has no say in who sits where.
crypto::Hash keys_hash(const crypto::Hash& terms, const std::vector<SignedKeys>& entries);

// What every derived key and every later signature depends on.
crypto::Hash context_hash(const crypto::Hash& keys, const Parameters& parameters);

// The graph of a roster whose parameters check_security accepts.
Graph graph_of(const crypto::Hash& keys, std::size_t clients, const Parameters& parameters);

}  // namespace fed::secagg
