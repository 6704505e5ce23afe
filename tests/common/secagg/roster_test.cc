// What is hashed: every field of the terms, the keys and the parameters changes what follows.
#include "secagg/roster.h"

#include <catch2/catch.hpp>
#include <set>

#include "secagg/keys.h"
#include "world.h"

namespace fed::secagg {
namespace {

TEST_CASE("every field of the terms changes their hash") {
  const World world(Options{});
  const std::vector<std::function<void(Terms&)>> changes{
      [](Terms&) {},
      [](Terms& t) { t.job += "x"; },
      [](Terms& t) { t.round += 1; },
      [](Terms& t) { t.attempt += 1; },
      [](Terms& t) { t.model[0] ^= 1; },
      [](Terms& t) { t.settings[31] ^= 128; },
      [](Terms& t) { t.threat.adversary = Adversary::curious; },
      [](Terms& t) { t.threat.corrupted_permille += 1; },
      [](Terms& t) { t.threat.dropped_permille += 1; },
      [](Terms& t) { t.clients += 1; },
      [](Terms& t) { t.modulus_bits += 1; },
      [](Terms& t) { t.length += 1; }};
  std::set<crypto::Hash> hashes;
  for (const auto& change : changes) {
    Terms terms = world.terms;
    change(terms);
    hashes.insert(hash_of(terms));
  }
  CHECK(hashes.size() == changes.size());
}

TEST_CASE("fields in a transcript do not run into each other") {
  const auto ab = Transcript("x").add("ab").add("c").finish();
  CHECK(ab != Transcript("x").add("a").add("bc").finish());
  CHECK(ab != Transcript("x").add("abc").finish());
  CHECK(ab != Transcript("xab").add("c").finish());
  CHECK(ab != Transcript("x").add("ab").add("c").add("").finish());
  CHECK(Transcript("x").add_number(1).finish() ==
        Transcript("x").add(std::string_view("\1\0\0\0\0\0\0\0", 8)).finish());
}

TEST_CASE("every signed key changes the graph's seed, the parameters only the context") {
  const World world(Options{});
  Play play(world);
  REQUIRE(play.until(Step::advertise).has_value());
  const auto terms = hash_of(world.terms);
  std::set<crypto::Hash> hashes{keys_hash(terms, play.roster.entries)};
  std::size_t changes = 0;
  for (std::size_t i = 0; i < play.roster.entries.size(); ++i) {
    for (int what = 0; what < 5; ++what) {
      auto entries = play.roster.entries;
      if (what == 0) entries[i].id += "x";
      if (what == 1) entries[i].mask_key[0] ^= 1;
      if (what == 2) entries[i].share_key[31] ^= 1;
      if (what == 3) entries[i].self_commitment[9] ^= 1;
      if (what == 4) entries[i].signature[63] ^= 1;
      hashes.insert(keys_hash(terms, entries));
      ++changes;
    }
  }
  auto fewer = play.roster.entries;
  fewer.pop_back();
  hashes.insert(keys_hash(terms, fewer));
  CHECK(hashes.size() == changes + 2);
  const crypto::Hash keys = keys_hash(terms, play.roster.entries);
  CHECK(context_hash(keys, {5, 3}) != context_hash(keys, {5, 4}));
  CHECK(context_hash(keys, {5, 3}) != context_hash(keys, {4, 3}));
}

TEST_CASE("one changed key gives another graph") {
  Options options;
  options.clients = 20;
  const World world(options);
  Play play(world);
  REQUIRE(play.until(Step::advertise).has_value());
  const auto terms = hash_of(world.terms);
  const Graph before = graph_of(keys_hash(terms, play.roster.entries), 20, {6, 4});
  for (std::size_t i = 0; i < 20; ++i) {
    auto entries = play.roster.entries;
    entries[i].mask_key[5] ^= 4;
    const Graph after = graph_of(keys_hash(terms, entries), 20, {6, 4});
    bool differs = false;
    for (Member member = 0; member < 20; ++member) {
      differs = differs || after.neighbours(member) != before.neighbours(member);
    }
    CHECK(differs);
  }
}

TEST_CASE("keys are separate for each purpose, context and client") {
  const crypto::Scalar secret(99);
  const crypto::Hash one{}, other{1};
  std::set<std::string> keys;
  for (const crypto::Hash& context : {one, other}) {
    for (std::string_view id : {"a", "b"}) {
      keys.insert(to_hex(self_mask_key(secret, context, id).view()));
      keys.insert(to_hex(mask_key_pair(secret, context, id).secret().view()));
      keys.insert(to_hex(self_commitment(secret, context, id)));
      for (const SecretKind kind : {SecretKind::mask_key, SecretKind::self_mask}) {
        keys.insert(to_hex(share_commitment(kind, context, id, "c", secret.view())));
        keys.insert(to_hex(share_commitment(kind, context, "c", id, secret.view())));
      }
    }
  }
  CHECK(keys.size() == 2 * 2 * 7);
}

TEST_CASE("both neighbours derive one key, whoever asks, and others another") {
  const auto pair = [](std::uint8_t byte) {
    const Bytes bytes(32, byte);
    return crypto::X25519KeyPair(
        crypto::SecretKey(crypto::KeyView(bytes.data(), 32), crypto::Memory::plain));
  };
  const auto a = pair(1), b = pair(2), c = pair(3);
  const crypto::Hash context{};
  const auto key = [&](const auto& mine, const char* my_id, const auto& peer, const char* peer_id) {
    return to_hex(pair_mask_key(mine, my_id, peer.public_key(), peer_id, context).value().view());
  };
  CHECK(key(a, "a", b, "b") == key(b, "b", a, "a"));
  CHECK(key(a, "a", b, "b") != key(a, "a", c, "b"));
  CHECK(key(a, "a", b, "b") != key(a, "a", b, "c"));
  CHECK(pair_mask_key(a, "a", {}, "b", context).error().code == ErrorCode::unauthentic);
}

TEST_CASE("sealed shares open for their holder, dealer and context only") {
  const crypto::Wiped<32> shared;
  const crypto::Scalar one(1), two(2);
  const crypto::Hash context{};
  const auto sealed = seal_shares(shared.view(), context, "d", "h", one.view(), two.view());
  const auto open = [&](const char* to, const char* from, const crypto::Hash& in,
                        const SealedShares& what) {
    return open_shares(shared.view(), in, from, to, what);
  };
  const auto opened = open("h", "d", context, sealed);
  REQUIRE(opened.has_value());
  CHECK(to_hex(opened->view()) == to_hex(one.view()) + to_hex(two.view()));
  CHECK_FALSE(open("d", "h", context, sealed).has_value());
  CHECK_FALSE(open("h", "x", context, sealed).has_value());
  CHECK_FALSE(open("h", "d", crypto::Hash{1}, sealed).has_value());
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    SealedShares altered = sealed;
    altered[i] ^= 1;
    CHECK_FALSE(open("h", "d", context, altered).has_value());
  }
}

}  // namespace
}  // namespace fed::secagg
