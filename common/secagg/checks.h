// What a client asks of the server's messages before it goes on: pure checks, each refusal with its
// own reason (refusal.h).
//
// The server is not trusted: every one of these guards the input of a client whose server lies.
// Thread-safe.
#pragma once

#include "secagg/messages.h"
#include "secagg/refusal.h"

namespace fed::secagg {

// What a client knows about the round from elsewhere, and the least it asks for.
struct Demands {
  std::string job;
  std::uint64_t round = 0;
  crypto::Hash model{};     // its own hash of the global model that it trained from
  crypto::Hash settings{};  // its own hash of the hyper-parameters
  std::uint8_t modulus_bits = 32;
  std::uint64_t length = 0;
  Threat threat;                              // what it wants to be safe against
  std::uint32_t clients_min = kClientsMin;    // in the roster
  std::uint32_t clients_max = kClientsMax;    // invited: with more, more of them may be corrupted
  std::uint32_t survivors_min = kClientsMin;  // in a sum; at least 2 in any case
};

// How many inputs a sum needs: survivors_min and at least two, and in a sparse graph, which was
// made for so many drop-outs and no more, all but these.
std::size_t survivors_wanted(const Graph& graph, const Threat& threat, std::uint32_t survivors_min);

Answer<void> check_terms(const Terms& terms, const Demands& demands);

// `own` is what this client sent. One signature is verified for each entry.
Answer<void> check_roster(const Roster& roster, const SignedKeys& own, const crypto::Hash& terms,
                          const Demands& demands, const IdentityLookup& identity_of);

// Whether enough dealt shares, `self` among them, and the list of shares fits the graph.
Answer<void> check_delivery(const ShareDelivery& delivery, Member self, const Graph& graph,
                            std::uint32_t threshold, const Demands& demands);

// Whether `set` divides `sharers` in two with `self` among the survivors, everybody in it keeps a
// threshold of surviving neighbours, and, in a sparse graph, no more dropped out than its degree
// was made for.
Answer<void> check_survivors(const SurvivorSet& set, const std::vector<Member>& sharers,
                             Member self, const Graph& graph, std::uint32_t threshold,
                             const Demands& demands);

// Whether, for each neighbour of `self` in `sharers`, at least `threshold` of its neighbours
// (who hold its shares) signed `statement` validly. With 2 t > k + a (parameters.h), no two
// statements can both pass for one peer, so its two secrets cannot both be rebuilt. Signatures by
// others, wrong ones and second ones do not count; those that are needed no more are not verified.
Answer<void> check_quorum(const std::vector<SurvivorSignature>& signatures,
                          const crypto::Hash& statement, const std::vector<Member>& sharers,
                          Member self, const Graph& graph, std::uint32_t threshold,
                          const std::vector<crypto::VerifyKey>& identities);

}  // namespace fed::secagg
