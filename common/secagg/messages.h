// What clients and the server say to each other, as plain values; how they are written on the wire
// is not decided here. A Member is a place in the roster, so a message about one is four bytes.
//
// Lists of members are in strictly ascending order; whoever receives one checks that.
#pragma once

#include <vector>

#include "secagg/keys.h"

namespace fed::secagg {

// Client to server: the shares of its two secrets for one neighbour, and what it commits to.
struct DealtShares {
  Member holder = 0;
  SealedShares sealed{};
  crypto::Hash mask_commitment{};  // of the share of the mask key's scalar
  crypto::Hash self_commitment{};  // of the share of the self mask's scalar
};

// One for each neighbour, in ascending order of the holders.
using ShareMessage = std::vector<DealtShares>;

// Server to client: who dealt shares, and the client's own from those of its neighbours.
struct ReceivedShares {
  Member dealer = 0;
  SealedShares sealed{};
};
struct ShareDelivery {
  std::vector<Member> sharers;         // everybody in the round who did
  std::vector<ReceivedShares> shares;  // in ascending order of the dealers
};

// Server to client: whose input is in the sum, and who dealt shares and is not.
struct SurvivorSet {
  std::vector<Member> survivors;
  std::vector<Member> dropped;
};

// What a client signs: the context and both lists.
crypto::Hash statement(const SurvivorSet& set, const crypto::Hash& context);

// Client to server its own, server to client everybody's.
struct SurvivorSignature {
  Member signer = 0;
  crypto::Signature signature{};
};

// Client to server: one share about each neighbour that dealt: of the self mask if it survived, of
// the mask key if it dropped out.
struct RevealedShare {
  Member about = 0;
  std::array<std::uint8_t, 32> share{};
};
using Revelation = std::vector<RevealedShare>;

// Whether strictly ascending, and every one below `clients`.
bool well_formed(const std::vector<Member>& members, std::size_t clients);

// One mark for each of `clients` members; `members` is well formed.
std::vector<bool> marks(const std::vector<Member>& members, std::size_t clients);

}  // namespace fed::secagg
