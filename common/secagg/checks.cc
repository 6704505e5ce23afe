#include "secagg/checks.h"

#include <algorithm>
#include <set>

namespace fed::secagg {
namespace {

Refusal refuse(RefusalReason reason, std::string detail) { return {reason, std::move(detail)}; }

bool contains(const std::vector<Member>& sorted, Member member) {
  return std::binary_search(sorted.begin(), sorted.end(), member);
}

Answer<void> check_order(const std::vector<SignedKeys>& entries) {
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i - 1].id == entries[i].id) {
      return refuse(RefusalReason::duplicate_peer, entries[i].id + " is in the roster twice");
    }
    if (entries[i - 1].id > entries[i].id) {
      return refuse(RefusalReason::malformed, "the roster is not in the order of the ids");
    }
  }
  return {};
}

// A peer with another's key would share its masks.
Answer<void> check_keys_differ(const std::vector<SignedKeys>& entries) {
  std::set<crypto::PublicKey> seen;
  for (const SignedKeys& keys : entries) {
    if (!seen.insert(keys.mask_key).second || !seen.insert(keys.share_key).second) {
      return refuse(RefusalReason::duplicate_peer, keys.id + " has a key that is there already");
    }
  }
  return {};
}

Answer<void> check_signatures(const std::vector<SignedKeys>& entries, const crypto::Hash& terms,
                              const IdentityLookup& identity_of) {
  for (const SignedKeys& keys : entries) {
    const auto identity = identity_of(keys.id);
    if (!identity) {
      return refuse(RefusalReason::unknown_peer, keys.id + " is no client that this one knows");
    }
    if (!crypto::verify(*identity, statement(keys, terms), keys.signature)) {
      return refuse(RefusalReason::bad_signature, keys.id + " has not signed these keys");
    }
  }
  return {};
}

Answer<void> check_own(const std::vector<SignedKeys>& entries, const SignedKeys& own) {
  const auto mine = std::find_if(entries.begin(), entries.end(),
                                 [&own](const SignedKeys& keys) { return keys.id == own.id; });
  if (mine == entries.end()) {
    return refuse(RefusalReason::own_keys_altered, "this client's keys are not in the roster");
  }
  if (*mine != own) {
    return refuse(RefusalReason::own_keys_altered,
                  "this client's keys in the roster are not its own");
  }
  return {};
}

std::string counted(std::size_t there, const char* what, std::size_t wanted) {
  return std::to_string(there) + " " + what + ", and this client asks for " +
         std::to_string(wanted);
}

// Whether survivors and drop-outs are the sharers, each once.
Answer<void> check_partition(const SurvivorSet& set, const std::vector<Member>& sharers) {
  std::vector<Member> both, all;
  std::set_intersection(set.survivors.begin(), set.survivors.end(), set.dropped.begin(),
                        set.dropped.end(), std::back_inserter(both));
  if (!both.empty()) {
    return refuse(RefusalReason::both_shares,
                  "a peer is said to have survived and to have dropped "
                  "out, so both of its secrets could be rebuilt");
  }
  std::set_union(set.survivors.begin(), set.survivors.end(), set.dropped.begin(), set.dropped.end(),
                 std::back_inserter(all));
  if (all != sharers) {
    return refuse(RefusalReason::not_among_sharers,
                  "survivors and drop-outs together are not those who dealt shares");
  }
  return {};
}

Refusal too_large(std::size_t clients, const char* are, const Demands& demands) {
  return refuse(RefusalReason::cohort_too_large, std::to_string(clients) + " clients " + are +
                                                     ", and a sum is of at most " +
                                                     std::to_string(demands.clients_max));
}

}  // namespace

std::size_t survivors_wanted(const Graph& graph, const Threat& threat,
                             std::uint32_t survivors_min) {
  const std::size_t wanted = std::max(survivors_min, 2u);
  if (graph.degree() + 1 == graph.size()) return wanted;
  const std::uint64_t dropped = std::uint64_t{graph.size()} * threat.dropped_permille / 1000;
  return std::max<std::size_t>(wanted, graph.size() - dropped);
}

Answer<void> check_terms(const Terms& terms, const Demands& demands) {
  if (const auto valid = check(terms); !valid) {
    return refuse(RefusalReason::malformed, valid.error().detail);
  }
  if (terms.job != demands.job || terms.round != demands.round) {
    return refuse(RefusalReason::other_job, "this client works on another job or round");
  }
  if (terms.model != demands.model) {
    return refuse(RefusalReason::other_model, "the global model is not the one this client has");
  }
  if (terms.settings != demands.settings) {
    return refuse(RefusalReason::other_settings,
                  "the hyper-parameters are not those this client was given");
  }
  if (terms.modulus_bits != demands.modulus_bits || terms.length != demands.length) {
    return refuse(RefusalReason::other_job, "the vector to sum has another shape than this one's");
  }
  if (terms.clients < demands.clients_min) {
    return refuse(RefusalReason::cohort_too_small,
                  counted(terms.clients, "clients are invited", demands.clients_min));
  }
  if (terms.clients > demands.clients_max) return too_large(terms.clients, "are invited", demands);
  return {};
}

Answer<void> check_roster(const Roster& roster, const SignedKeys& own, const crypto::Hash& terms,
                          const Demands& demands, const IdentityLookup& identity_of) {
  const std::size_t clients = roster.entries.size();
  if (clients > kClientsMax) return refuse(RefusalReason::malformed, "the roster is too long");
  if (clients < std::max(demands.clients_min, kClientsMin)) {
    return refuse(RefusalReason::cohort_too_small,
                  counted(clients, "clients are in the roster", demands.clients_min));
  }
  if (clients > demands.clients_max) return too_large(clients, "are in the roster", demands);
  FED_TRY(check_order(roster.entries));
  FED_TRY(check_own(roster.entries, own));
  if (const auto secure =
          check_security(static_cast<std::uint32_t>(clients), roster.parameters, demands.threat);
      !secure) {
    return refuse(RefusalReason::weak_parameters, secure.error().detail);
  }
  FED_TRY(check_keys_differ(roster.entries));
  return check_signatures(roster.entries, terms, identity_of);
}

Answer<void> check_delivery(const ShareDelivery& delivery, Member self, const Graph& graph,
                            std::uint32_t threshold, const Demands& demands) {
  if (!well_formed(delivery.sharers, graph.size())) {
    return refuse(RefusalReason::malformed, "the list of those who dealt shares is out of order");
  }
  if (!contains(delivery.sharers, self)) {
    return refuse(RefusalReason::absent_from_sharers, "this client's shares were left out");
  }
  const std::size_t wanted = survivors_wanted(graph, demands.threat, demands.survivors_min);
  if (delivery.sharers.size() < wanted) {
    return refuse(RefusalReason::too_few_sharers,
                  counted(delivery.sharers.size(), "dealt shares", wanted));
  }
  const auto sharing = graph.count_neighbours(self, marks(delivery.sharers, graph.size()));
  if (sharing < threshold) {
    return refuse(RefusalReason::too_few_sharers,
                  counted(sharing, "neighbours dealt shares", threshold));
  }
  std::vector<Member> dealers;
  for (const ReceivedShares& shares : delivery.shares) dealers.push_back(shares.dealer);
  const auto fits = [&](Member dealer) {
    return graph.adjacent(self, dealer) && contains(delivery.sharers, dealer);
  };
  if (!well_formed(dealers, graph.size()) || !std::all_of(dealers.begin(), dealers.end(), fits)) {
    return refuse(RefusalReason::malformed, "shares came that no neighbour dealt, or came twice");
  }
  return {};
}

Answer<void> check_survivors(const SurvivorSet& set, const std::vector<Member>& sharers,
                             Member self, const Graph& graph, std::uint32_t threshold,
                             const Demands& demands) {
  if (!well_formed(set.survivors, graph.size()) || !well_formed(set.dropped, graph.size())) {
    return refuse(RefusalReason::malformed, "survivors or drop-outs are out of order");
  }
  FED_TRY(check_partition(set, sharers));
  if (!contains(set.survivors, self)) {
    return refuse(RefusalReason::absent_from_survivors, "this client's input was left out");
  }
  const std::size_t wanted = survivors_wanted(graph, demands.threat, demands.survivors_min);
  if (set.survivors.size() < wanted) {
    return refuse(RefusalReason::too_few_survivors,
                  counted(set.survivors.size(), "inputs came", wanted));
  }
  const std::vector<bool> survived = marks(set.survivors, graph.size());
  for (Member member : set.survivors) {
    if (graph.count_neighbours(member, survived) < threshold) {
      return refuse(RefusalReason::too_few_survivors,
                    "a survivor has fewer surviving neighbours than the threshold of " +
                        std::to_string(threshold));
    }
  }
  return {};
}

Answer<void> check_quorum(const std::vector<SurvivorSignature>& signatures,
                          const crypto::Hash& statement, const std::vector<Member>& sharers,
                          Member self, const Graph& graph, std::uint32_t threshold,
                          const std::vector<crypto::VerifyKey>& identities) {
  std::vector<std::pair<Member, std::uint32_t>> missing;  // of each peer's quorum
  for (Member peer : graph.neighbours(self)) {
    if (contains(sharers, peer)) missing.emplace_back(peer, threshold);
  }
  std::vector<bool> signed_it(graph.size());
  for (const SurvivorSignature& one : signatures) {
    if (missing.empty()) break;
    const auto held = [&](const auto& peer) { return graph.adjacent(peer.first, one.signer); };
    if (one.signer >= graph.size() || signed_it[one.signer] ||
        std::none_of(missing.begin(), missing.end(), held) ||
        !crypto::verify(identities[one.signer], statement, one.signature)) {
      continue;
    }
    signed_it[one.signer] = true;
    std::erase_if(missing, [&](auto& peer) { return held(peer) && --peer.second == 0; });
  }
  if (!missing.empty()) {
    return refuse(RefusalReason::no_quorum,
                  "fewer than " + std::to_string(threshold) +
                      " of the clients that hold a peer's shares signed this survivor set");
  }
  return {};
}

}  // namespace fed::secagg
