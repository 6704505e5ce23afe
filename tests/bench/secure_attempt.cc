#include "secure_attempt.h"

#include <numeric>

#include "clocks.h"
#include "wire/messages.h"

namespace fed::bench {
namespace {

// Adds what `step` takes to `cost`, and hands on what it answers.
template <class Step>
auto timed(double& cost, Step step) {
  const double begin = thread_cpu_seconds();
  auto answer = step();
  cost = thread_cpu_seconds() - begin;
  FED_CHECK(answer.has_value());
  return std::move(*answer);
}

}  // namespace

SecureAttempt::SecureAttempt(const secagg::World& world) : world_(world), input_(world.input(0)) {
  std::vector<Peer> peers;  // client i + 1
  roster_.entries.push_back(world.client(0).advertise(world.terms).value());
  for (std::size_t i = 1; i < world.size(); ++i) {
    peers.push_back(make_peer(world, i));
    roster_.entries.push_back(peers.back().keys);
  }
  roster_.parameters = parameters_for(world.terms.clients, world.terms.threat).value();
  const crypto::Hash keys = keys_hash(hash_of(world.terms), roster_.entries);
  const crypto::Hash context = context_hash(keys, roster_.parameters);
  deal(peers, context, graph_of(keys, world.size(), roster_.parameters));
  survive(context);
}

void SecureAttempt::deal(const std::vector<Peer>& peers, const crypto::Hash& context,
                         const secagg::Graph& graph) {
  delivery_.sharers.resize(world_.size());
  std::iota(delivery_.sharers.begin(), delivery_.sharers.end(), 0U);
  const auto random = secagg::seeded(world_.options.seed, "shares");
  const secagg::SignedKeys& client = roster_.entries[0];
  for (const secagg::Member dealer : graph.neighbours(0)) {
    const Peer& peer = peers[dealer - 1];
    const auto shared = peer.share_key.dh(client.share_key).value();
    const auto mask = crypto::Scalar::random(random), self = crypto::Scalar::random(random);
    delivery_.shares.push_back({dealer, secagg::seal_shares(shared.view(), context, peer.keys.id,
                                                            client.id, mask.view(), self.view())});
  }
}

void SecureAttempt::survive(const crypto::Hash& context) {
  set_.survivors = delivery_.sharers;
  const crypto::Hash what = statement(set_, context);
  for (const secagg::Member member : set_.survivors) {
    signatures_.push_back({member, world_.identity(member).sign(what)});
  }
}

AttemptCost SecureAttempt::run() {
  secagg::Client client = world_.client(0);
  secagg::Words input = input_;
  AttemptCost cost;
  answers_.keys = timed(cost.advertise, [&] { return client.advertise(world_.terms); });
  answers_.shares = timed(cost.share, [&] { return client.share(roster_); });
  answers_.masked = timed(cost.mask, [&] { return client.mask(delivery_, std::move(input)); });
  answers_.signature = timed(cost.sign, [&] { return client.sign(set_); });
  answers_.revelation = timed(cost.unmask, [&] { return client.unmask(signatures_); });
  FED_CHECK(answers_.revelation.size() == delivery_.shares.size());
  return cost;
}

SecureTraffic SecureAttempt::traffic() const {
  const wire::SecureName name{world_.terms.job, 1, 1};
  std::vector<crypto::VerifyKey> identities;
  for (std::size_t i = 0; i < world_.size(); ++i) {
    identities.push_back(world_.identity(i).verify_key());
  }
  const auto bytes = [](std::initializer_list<wire::Message> messages) {
    std::size_t sum = 0;
    for (const wire::Message& message : messages) sum += encode(message).size();
    return sum;
  };
  SecureTraffic traffic;
  traffic.up = answers_.masked.size() + bytes({wire::SecureKeys{name, answers_.keys},
                                               wire::SecureShares{name, answers_.shares},
                                               wire::SecureSignature{name, answers_.signature},
                                               wire::SecureReveal{name, answers_.revelation}});
  traffic.down =
      bytes({wire::SecureTerms{name, world_.terms}, wire::SecureRoster{name, roster_, identities},
             wire::SecureDelivery{name, delivery_}, wire::SecureSurvivors{name, set_},
             wire::SecureSignatures{name, signatures_}});
  return traffic;
}

}  // namespace fed::bench
