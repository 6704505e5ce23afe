// What several tests of the channel need: fixed keys, and two handshakes that talk to each other in
// memory.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "channel/handshake.h"
#include "crypto/random.h"

namespace fed::channel {

inline Bytes hex(std::string_view digits) { return from_hex(digits).value(); }

// 32 times the same byte: a key that is easy to recognise.
inline crypto::SecretKey key_of(std::uint8_t byte) {
  const Bytes bytes(32, byte);
  return crypto::SecretKey(crypto::KeyView(bytes.data(), 32), crypto::Memory::plain);
}
inline crypto::X25519KeyPair pair_of(std::uint8_t byte) {
  return crypto::X25519KeyPair(key_of(byte));
}

inline std::vector<Suite> suites() {
  std::vector<Suite> all{Suite::chachapoly};
  if (crypto::aes_available()) all.push_back(Suite::aesgcm);
  return all;
}

// A server that knows one client and one invitation, and counts what it is asked.
struct TestDirectory {
  crypto::PublicKey client;
  JoinId join_id{'j', 'o', 'i', 'n', '-', 'i', 'd', '1'};
  std::uint8_t psk = 9;
  int asked_allow = 0;
  int asked_psk = 0;
  ServerDirectory directory{[this](const crypto::PublicKey& key) -> Status {
                              ++asked_allow;
                              if (key == client) return {};
                              return Error{ErrorCode::not_found, "no such client"};
                            },
                            [this](const JoinId& id) -> Result<crypto::SecretKey> {
                              ++asked_psk;
                              if (id == join_id) return key_of(psk);
                              return Error{ErrorCode::not_found, "no such invitation"};
                            }};

  explicit TestDirectory(const crypto::PublicKey& known) : client(known) {}
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
};

// One handshake in memory. Everything is deterministic: keys and ephemerals are fixed.
struct Pairing {
  crypto::X25519KeyPair client_static = pair_of(1);
  crypto::X25519KeyPair server_static = pair_of(2);
  crypto::PublicKey server_key_at_client = server_static.public_key();
  TestDirectory known{client_static.public_key()};
  SuiteSet accepted = suites_supported();
  Suite suite = Suite::chachapoly;
  std::optional<JoinSecret> join;
  Bytes payload;

  ClientHandshake client() {
    return ClientHandshake::start(suite, client_static, server_key_at_client, pair_of(3),
                                  std::move(join), payload)
        .value();
  }
  ServerHandshake server() {
    return ServerHandshake(server_static, known.directory, pair_of(4), accepted);
  }
  JoinSecret invitation() const { return {known.join_id, key_of(known.psk)}; }
};

// Carries bytes between the two until neither has more, or one fails; returns the first error.
inline Status shake(ClientHandshake& client, ServerHandshake& server) {
  while (true) {
    const Bytes up = client.take_output();
    if (!up.empty()) FED_TRY(server.feed(up));
    const Bytes down = server.take_output();
    if (!down.empty()) FED_TRY(client.feed(down));
    if (up.empty() && down.empty()) return {};
  }
}

}  // namespace fed::channel
