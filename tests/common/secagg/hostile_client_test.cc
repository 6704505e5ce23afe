// A server with a client that lies or sends garbage: it loses its own part, and nobody else does.
#include <catch2/catch.hpp>

#include "secagg/packing.h"
#include "secagg/shamir.h"
#include "world.h"

namespace fed::secagg {
namespace {

constexpr std::size_t kLiar = 3;
constexpr std::uint64_t kClients = 7;

struct Attack {
  World world;
  Play play;
  Attack() : world(options()), play(world) {}
  static Options options() {
    Options options;
    options.clients = kClients;
    return options;
  }
};

// The liar is out, with this error, and the sum over the others is exact.
void loses_only_itself(Attack& attack, ErrorCode code) {
  const auto sum = attack.play.run();
  if (!sum) FAIL(sum.error().detail);
  REQUIRE(attack.play.refused_by_server.size() == 1);
  CHECK(attack.play.refused_by_server[0].error().code == code);
  CHECK(attack.play.refused_by_client.empty());
  CHECK(values_of(*sum) == attack.world.sum(attack.play.survivors()));
}

void alter_keys(const std::function<void(Attack&, SignedKeys&)>& alter, ErrorCode code) {
  Attack attack;
  attack.play.alter_keys = [&](std::size_t client, SignedKeys& keys) {
    if (client == kLiar) alter(attack, keys);
  };
  loses_only_itself(attack, code);
  CHECK(attack.play.survivors() == std::vector<std::size_t>{0, 1, 2, 4, 5, 6});
}

void sign_again(const Attack& attack, SignedKeys& keys) {
  keys.signature = attack.world.identity(kLiar).sign(statement(keys, hash_of(attack.world.terms)));
}

TEST_CASE("keys with a wrong signature, of a stranger or of nobody are left out of the roster") {
  alter_keys([](Attack&, SignedKeys& keys) { keys.signature[0] ^= 1; }, ErrorCode::unauthentic);
  alter_keys([](Attack&, SignedKeys& keys) { keys.mask_key[7] ^= 1; }, ErrorCode::unauthentic);
  alter_keys([](Attack&, SignedKeys& keys) { keys.id = World::id(1); }, ErrorCode::unauthentic);
  alter_keys([](Attack&, SignedKeys& keys) { keys.id = "stranger"; }, ErrorCode::not_found);
  alter_keys([](Attack&, SignedKeys& keys) { keys.id = ""; }, ErrorCode::malformed);
  alter_keys([](Attack&, SignedKeys& keys) { keys.id.assign(256, 'x'); }, ErrorCode::malformed);
}

TEST_CASE("signed keys that would break others' secrets are left out of the roster") {
  for (const bool mask_key : {true, false}) {
    alter_keys(
        [mask_key](Attack& attack, SignedKeys& keys) {
          (mask_key ? keys.mask_key : keys.share_key) = {};
          sign_again(attack, keys);
        },
        ErrorCode::invalid);
  }
  alter_keys(
      [](Attack& attack, SignedKeys& keys) {
        keys.share_key = keys.mask_key;
        sign_again(attack, keys);
      },
      ErrorCode::invalid);
}

TEST_CASE("another client's public key is refused") {
  Attack attack;
  crypto::PublicKey stolen{};
  attack.play.alter_keys = [&](std::size_t client, SignedKeys& keys) {
    if (client == 0) stolen = keys.share_key;
    if (client != kLiar) return;
    keys.mask_key = stolen;
    sign_again(attack, keys);
  };
  loses_only_itself(attack, ErrorCode::already_exists);
}

TEST_CASE("shares that are not one for each neighbour are refused") {
  const std::vector<std::function<void(ShareMessage&)>> lies{
      [](ShareMessage& message) { message.pop_back(); },
      [](ShareMessage& message) { message.clear(); },
      [](ShareMessage& message) { message.push_back(message.back()); },
      [](ShareMessage& message) { std::swap(message[0], message[1]); },
      [](ShareMessage& message) { message[0].holder = kLiar; },
      [](ShareMessage& message) { message[0].holder = 1000; }};
  for (const auto& lie : lies) {
    Attack attack;
    attack.play.alter_shares = [&](std::size_t client, ShareMessage& message) {
      if (client == kLiar) lie(message);
    };
    loses_only_itself(attack, ErrorCode::malformed);
    CHECK(attack.play.survivors().size() == kClients - 1);
  }
}

TEST_CASE("a masked input of another size or with stray bits is refused as a whole") {
  const std::vector<std::function<void(Bytes&)>> lies{[](Bytes& input) { input.pop_back(); },
                                                      [](Bytes& input) { input.push_back(0); },
                                                      [](Bytes& input) { input.clear(); }};
  for (const auto& lie : lies) {
    Attack attack;
    attack.play.alter_input = [&](std::size_t client, Bytes& input) {
      if (client == kLiar) lie(input);
    };
    loses_only_itself(attack, ErrorCode::malformed);
    CHECK(attack.play.set.dropped == std::vector<Member>{kLiar});
  }
}

TEST_CASE("a wrong signature of the survivor set does not count, the input does") {
  Attack attack;
  attack.play.alter_signature = [](std::size_t client, crypto::Signature& signature) {
    if (client == kLiar) signature[1] ^= 1;
  };
  loses_only_itself(attack, ErrorCode::unauthentic);
  CHECK(attack.play.survivors().size() == kClients);
}

TEST_CASE("wrong, swapped or foreign revealed shares are not used, the others' suffice") {
  const std::vector<std::function<void(Revelation&)>> lies{
      [](Revelation& shares) {
        for (auto& share : shares) share.share[0] ^= 1;
      },
      [](Revelation& shares) {
        for (auto& share : shares) share.share.fill(0xff);
      },
      [](Revelation& shares) { std::swap(shares[0].share, shares[1].share); },
      [](Revelation& shares) { shares.resize(1); }, [](Revelation& shares) { shares.clear(); }};
  for (const auto& lie : lies) {
    Attack attack;
    // The first to reveal, so that its shares would be used.
    attack.play.alter_revelation = [&](std::size_t client, Revelation& shares) {
      if (client == 0) lie(shares);
    };
    const auto sum = attack.play.run();
    REQUIRE(sum.has_value());
    CHECK(attack.play.refused_by_server.empty());
    CHECK(values_of(*sum) == attack.world.sum({0, 1, 2, 3, 4, 5, 6}));
  }
}

TEST_CASE("a revelation out of order is refused, as a whole") {
  const std::vector<std::function<void(Revelation&)>> lies{
      [](Revelation& shares) { std::swap(shares[0], shares[1]); },
      [](Revelation& shares) { shares.push_back(shares.back()); },
      [](Revelation& shares) { shares.back().about = 1000; }};
  for (const auto& lie : lies) {
    Attack attack;
    attack.play.alter_revelation = [&](std::size_t client, Revelation& shares) {
      if (client == kLiar) lie(shares);
    };
    loses_only_itself(attack, ErrorCode::malformed);
  }
}

TEST_CASE("a message of another phase, of who is out or a second one changes nothing") {
  Attack attack;
  Server& server = attack.play.server;
  attack.play.absent = [](Step step, std::size_t client) {
    return step == Step::share && client == kLiar;
  };
  CHECK(server.shares(0, {}).error().code == ErrorCode::closed);
  REQUIRE(attack.play.until(Step::mask).has_value());
  CHECK(server.keys({}).error().code == ErrorCode::closed);
  CHECK(server.input(0).error().code == ErrorCode::closed);
  CHECK(server.signature(kLiar, {}).error().code == ErrorCode::not_found);
  CHECK(server.signature(1000, {}).error().code == ErrorCode::not_found);
  CHECK(server.reveal(0, {}).error().code == ErrorCode::closed);
  const auto signature = attack.play.clients[0].sign(attack.play.set).value();
  REQUIRE(server.signature(0, signature).has_value());
  CHECK(server.signature(0, signature).error().code == ErrorCode::already_exists);
  CHECK(server.signature(1, signature).error().code == ErrorCode::unauthentic);
}

TEST_CASE("a second masked input is not added") {
  Attack attack;
  REQUIRE(attack.play.until(Step::share).has_value());
  Server& server = attack.play.server;
  const auto input = attack.play.clients[0].mask(server.delivery(0), attack.world.input(0)).value();
  REQUIRE(attack.play.receive(0, input).has_value());
  CHECK(attack.play.receive(0, input).error().code == ErrorCode::already_exists);
}

// A dealer made by hand: it shares other secrets than it commits to in its signed keys, and
// commits to those shares.
struct Forger {
  crypto::Scalar mask_scalar, self_scalar, other = crypto::Scalar(5);
  crypto::X25519KeyPair share_key;
  explicit Forger(const crypto::RandomSource& random)
      : mask_scalar(crypto::Scalar::random(random)),
        self_scalar(crypto::Scalar::random(random)),
        share_key(crypto::SecretKey::random(crypto::Memory::plain)) {}

  SignedKeys keys(const Attack& attack) const {
    const auto terms = hash_of(attack.world.terms);
    SignedKeys keys;
    keys.id = World::id(kLiar);
    keys.mask_key = mask_key_pair(mask_scalar, terms, keys.id).public_key();
    keys.share_key = share_key.public_key();
    keys.self_commitment = self_commitment(self_scalar, terms, keys.id);
    sign_again(attack, keys);
    return keys;
  }

  ShareMessage deal(const Play& play) const {
    const auto holders = play.server.graph().neighbours(kLiar);
    std::vector<Point> points;
    for (Member holder : holders) points.push_back(holder + 1);
    const auto shares = split(other, play.roster.parameters.threshold, points, seeded(1, "forger"));
    const crypto::Hash& context = play.server.context();
    const ClientId me = World::id(kLiar);
    ShareMessage message;
    for (std::size_t i = 0; i < holders.size(); ++i) {
      const SignedKeys& holder = play.roster.entries[holders[i]];
      const auto share = shares[i].y.view();
      message.push_back({holders[i],
                         seal_shares(share_key.dh(holder.share_key).value().view(), context, me,
                                     holder.id, share, share),
                         share_commitment(SecretKind::mask_key, context, me, holder.id, share),
                         share_commitment(SecretKind::self_mask, context, me, holder.id, share)});
    }
    return message;
  }
};

// All phases with a forger that answers, or has dropped out before its input.
Attempt<Words> run_with_forger(Attack& attack, bool stays) {
  const Forger forger(seeded(1, "forger's secrets"));
  Play& play = attack.play;
  Server& server = play.server;
  play.alter_keys = [&](std::size_t client, SignedKeys& keys) {
    if (client == kLiar) keys = forger.keys(attack);
  };
  FED_TRY(play.until(Step::advertise));
  for (Member i = 0; i < kClients; ++i) {
    const auto message =
        i == kLiar ? forger.deal(play) : play.clients[i].share(play.roster).value();
    CHECK(server.shares(i, message).has_value());
  }
  FED_TRY(server.close_shares());
  for (Member i = 0; i < kClients; ++i) {
    if (i == kLiar && !stays) continue;
    const Bytes garbage(packed_bytes(attack.world.terms.modulus_bits, attack.world.terms.length));
    const Bytes input =
        i == kLiar ? garbage
                   : play.clients[i].mask(server.delivery(i), attack.world.input(i)).value();
    CHECK(play.receive(i, input).has_value());
  }
  FED_ASSIGN(set, server.close_inputs());
  for (Member i : set.survivors) {
    if (i != kLiar) CHECK(server.signature(i, play.clients[i].sign(set).value()).has_value());
  }
  FED_ASSIGN(signatures, server.close_signatures());
  for (Member i : set.survivors) {
    if (i != kLiar) CHECK(server.reveal(i, play.clients[i].unmask(signatures).value()).has_value());
  }
  return play.finish();
}

// What cannot be repaired has a culprit, whom the next attempt leaves out.
TEST_CASE("a client that deals shares of something else ends the attempt under its name") {
  for (const bool stays : {true, false}) {
    Attack attack;
    const auto sum = run_with_forger(attack, stays);
    REQUIRE_FALSE(sum.has_value());
    CHECK(std::string(name(sum.error().reason)) == "inconsistent_dealer");
    CHECK(sum.error().culprit == World::id(kLiar));
  }
}

}  // namespace
}  // namespace fed::secagg
