// Prints what happens in small attempts, and what the pure functions give, as JSON lines for
// transcript.py to compute again. Not a test by itself.
#include <iostream>
#include <nlohmann/json.hpp>

#include "secagg/shamir.h"
#include "world.h"

namespace fed::secagg {
namespace {

using Json = nlohmann::json;

template <class Array>
std::string hex(const Array& bytes) {
  return to_hex(ByteView(bytes));
}

Json of_terms(const Terms& terms) {
  return {{"job", terms.job},
          {"round", terms.round},
          {"attempt", terms.attempt},
          {"model", hex(terms.model)},
          {"settings", hex(terms.settings)},
          {"adversary", static_cast<int>(terms.threat.adversary)},
          {"corrupted_permille", terms.threat.corrupted_permille},
          {"dropped_permille", terms.threat.dropped_permille},
          {"clients", terms.clients},
          {"modulus_bits", static_cast<int>(terms.modulus_bits)},
          {"length", terms.length}};
}

Json of_keys(const SignedKeys& keys, const crypto::VerifyKey& identity) {
  return {{"id", keys.id},
          {"mask_key", hex(keys.mask_key)},
          {"share_key", hex(keys.share_key)},
          {"self_commitment", hex(keys.self_commitment)},
          {"signature", hex(keys.signature)},
          {"identity", hex(identity)}};
}

Json of_shares(const ShareMessage& message) {
  Json all = Json::array();
  for (const DealtShares& shares : message) {
    all.push_back({{"holder", shares.holder},
                   {"sealed", hex(shares.sealed)},
                   {"mask_commitment", hex(shares.mask_commitment)},
                   {"self_commitment", hex(shares.self_commitment)}});
  }
  return all;
}

// One attempt in which the clients of `gone` deal shares and are not heard of again.
Json attempt(const Options& options, const std::vector<std::size_t>& gone) {
  const World world(options);
  Play play(world);
  Json clients = Json::array();
  std::vector<Bytes> drawn(world.size());
  play.clients.clear();
  for (std::size_t i = 0; i < world.size(); ++i) {
    ClientSetup setup = world.setup(i);
    setup.random = [&drawn, i, random = setup.random](ByteSpan into) {
      random(into);
      append(drawn[i], into);
    };
    play.clients.emplace_back(std::move(setup));
    clients.push_back(Json::object());
  }
  play.absent = [&](Step step, std::size_t i) {
    return step == Step::mask && std::count(gone.begin(), gone.end(), i) > 0;
  };
  play.alter_shares = [&](std::size_t i, ShareMessage& m) { clients[i]["shares"] = of_shares(m); };
  play.alter_revelation = [&](std::size_t i, Revelation& revelation) {
    Json all = Json::array();
    for (const auto& share : revelation) all.push_back({share.about, hex(share.share)});
    clients[i]["revealed"] = all;
  };
  const Words sum = play.run().value();
  for (std::size_t i = 0; i < world.size(); ++i) {
    clients[i]["random"] = hex(drawn[i]);
    clients[i]["input"] = values_of(world.input(i));
    clients[i]["masked"] = hex(play.inputs[i]);
    clients[i]["keys"] = of_keys(play.roster.entries[i], world.identity(i).verify_key());
    clients[i]["neighbours"] = play.server.graph().neighbours(static_cast<Member>(i));
  }
  Json signatures = Json::array();
  for (const auto& one : play.signatures) signatures.push_back({one.signer, hex(one.signature)});
  return {{"kind", "attempt"},
          {"terms", of_terms(world.terms)},
          {"neighbours", play.roster.parameters.neighbours},
          {"threshold", play.roster.parameters.threshold},
          {"context", hex(play.server.context())},
          {"clients", clients},
          {"survivors", play.set.survivors},
          {"dropped", play.set.dropped},
          {"signatures", signatures},
          {"sum", values_of(sum)}};
}

Json sharing(std::uint64_t seed, std::uint32_t threshold, const std::vector<Point>& points) {
  Bytes drawn;
  const auto random = [&drawn, source = seeded(seed, "sharing")](ByteSpan into) {
    source(into);
    append(drawn, into);
  };
  const auto secret = crypto::Scalar::random(random);
  const auto shares = split(secret, threshold, points, random);
  Json values = Json::array(), weights = Json::array();
  for (const Share& share : shares) values.push_back({share.x, hex(share.y.view())});
  const auto computed = lagrange_at_zero(points);
  for (const auto& weight : computed.value()) weights.push_back(hex(weight.view()));
  return {{"kind", "sharing"},      {"secret", hex(secret.view())},
          {"threshold", threshold}, {"random", hex(drawn)},
          {"shares", values},       {"weights", weights}};
}

Json graph(std::uint32_t n, std::uint32_t k) {
  const auto seed = crypto::sha256(view(std::to_string(n)));
  const Graph made(n, k, seed);
  Json neighbours = Json::array();
  for (Member member = 0; member < n; ++member) neighbours.push_back(made.neighbours(member));
  return {{"kind", "graph"}, {"n", n}, {"k", k}, {"seed", hex(seed)}, {"neighbours", neighbours}};
}

Json parameters(std::uint32_t clients, Threat threat) {
  const auto found = parameters_for(clients, threat);
  const Parameters none;
  return {{"kind", "parameters"},
          {"clients", clients},
          {"adversary", static_cast<int>(threat.adversary)},
          {"corrupted_permille", threat.corrupted_permille},
          {"dropped_permille", threat.dropped_permille},
          {"neighbours", (found ? *found : none).neighbours},
          {"threshold", (found ? *found : none).threshold}};
}

void print_all() {
  Options options;
  options.threat = {Adversary::curious, 300, 300};
  options.modulus_bits = 20;
  options.length = 40;
  std::cout << attempt(options, {1, 4}) << '\n';
  options = Options{};
  options.clients = 5;
  options.modulus_bits = 43;
  options.length = 21;
  std::cout << attempt(options, {2}) << '\n';
  std::cout << sharing(1, 3, {1, 2, 3, 4, 5}) << '\n';
  std::cout << sharing(2, 7, {9, 100'000, 3, 4'294'967'295, 5, 12, 13, 1}) << '\n';
  for (const auto& [n, k] : {std::pair(20u, 6u), {21u, 2u}, {150u, 30u}, {7u, 6u}}) {
    std::cout << graph(n, k) << '\n';
  }
  for (std::uint32_t clients : {3u, 4u, 5u, 10u, 60u, 128u, 129u, 200u, 500u}) {
    for (const auto& [corrupted, dropped] : {std::pair(50u, 50u), {0u, 100u}, {100u, 300u}}) {
      for (const Adversary adversary : {Adversary::curious, Adversary::semi_malicious}) {
        std::cout << parameters(clients, {adversary, corrupted, dropped}) << '\n';
      }
    }
  }
}

}  // namespace
}  // namespace fed::secagg

int main() { fed::secagg::print_all(); }
