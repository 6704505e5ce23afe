#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "channel/handshake_state.h"
#include "channel_testing.h"

namespace fed::channel {
namespace {

// The vectors of the package golang-github-flynn-noise-dev: blocks of name=value, a handshake each.
constexpr const char* kVectors = "/usr/share/gocode/src/github.com/flynn/noise/vectors.txt";

struct Message {
  Bytes payload;
  Bytes ciphertext;
};

struct Vector {
  std::string name;
  std::map<std::string, Bytes> values;
  std::vector<Message> messages;

  bool has(const std::string& key) const { return values.count(key) != 0; }
  crypto::SecretKey key(const std::string& name_of_key) const {
    const Bytes& bytes = values.at(name_of_key);
    REQUIRE(bytes.size() == 32);
    return crypto::SecretKey(crypto::KeyView(bytes.data(), 32), crypto::Memory::plain);
  }
};

std::vector<Vector> read_vectors() {
  std::ifstream file(kVectors);
  REQUIRE(file.is_open());
  std::vector<Vector> vectors;
  for (std::string line; std::getline(file, line);) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals);
    const std::string value = line.substr(equals + 1);
    if (key == "handshake") {
      vectors.push_back({value, {}, {}});
    } else if (key.ends_with("_payload")) {
      vectors.back().messages.push_back({hex(value), {}});
    } else if (key.ends_with("_ciphertext")) {
      vectors.back().messages.back().ciphertext = hex(value);
    } else {
      vectors.back().values[key] = hex(value);
    }
  }
  return vectors;
}

// The messages after the handshake: the file takes the two directions in turn, the initiator's
// first.
void check_transport(const Vector& vector, Split initiator, Split responder) {
  for (std::size_t i = 3; i < vector.messages.size(); ++i) {
    const Message& message = vector.messages[i];
    CipherState& sender = i % 2 == 1 ? initiator.send : responder.send;
    CipherState& receiver = i % 2 == 1 ? responder.receive : initiator.receive;
    Bytes buffer = message.payload;
    buffer.resize(buffer.size() + kTagBytes);
    sender.encrypt_with_ad({}, buffer);
    CHECK(buffer == message.ciphertext);
    const auto opened = receiver.decrypt_with_ad({}, buffer);
    REQUIRE(opened.has_value());
    CHECK(copy(*opened) == message.payload);
  }
}

void check_vector(const Vector& vector, Pattern pattern, Suite suite) {
  const crypto::X25519KeyPair initiator_static(vector.key("init_static"));
  const crypto::X25519KeyPair responder_static(vector.key("resp_static"));
  const Bytes prologue = vector.has("prologue") ? vector.values.at("prologue") : Bytes();
  auto initiator = HandshakeState::initiator(
      pattern, suite, prologue, initiator_static,
      crypto::X25519KeyPair(vector.key("gen_init_ephemeral")), responder_static.public_key());
  auto responder =
      HandshakeState::responder(pattern, suite, prologue, responder_static,
                                crypto::X25519KeyPair(vector.key("gen_resp_ephemeral")));
  if (pattern == Pattern::xkpsk3) initiator.set_psk(vector.key("preshared_key"));

  for (std::size_t i = 0; i < 3; ++i) {
    const Message& message = vector.messages.at(i);
    HandshakeState& writer = i % 2 == 0 ? initiator : responder;
    HandshakeState& reader = i % 2 == 0 ? responder : initiator;
    CHECK_FALSE(writer.finished());
    const auto written = writer.write_message(message.payload);
    REQUIRE(written.has_value());
    CHECK(to_hex(*written) == to_hex(message.ciphertext));
    const auto read = reader.read_message(message.ciphertext);
    REQUIRE(read.has_value());
    CHECK(*read == message.payload);
    // As a server does: the secret is chosen once message 1 has been read.
    if (i == 0 && pattern == Pattern::xkpsk3) responder.set_psk(vector.key("preshared_key"));
  }
  REQUIRE(initiator.finished());
  REQUIRE(responder.finished());
  CHECK(responder.remote_static() == initiator_static.public_key());
  Split at_initiator = std::move(initiator).split();
  Split at_responder = std::move(responder).split();
  CHECK(at_initiator.handshake_hash == at_responder.handshake_hash);
  check_transport(vector, std::move(at_initiator), std::move(at_responder));
}

TEST_CASE("every published vector of our patterns and suites passes in both roles") {
  const std::vector<Vector> vectors = read_vectors();
  int passed = 0;
  int with_prologue = 0;
  int transport_messages = 0;
  for (Pattern pattern : {Pattern::xk, Pattern::xkpsk3}) {
    for (Suite suite : suites()) {
      int of_this_kind = 0;
      for (const Vector& vector : vectors) {
        if (vector.name != protocol_name(pattern, suite)) continue;
        INFO(vector.name);
        REQUIRE(vector.messages.size() > 3);
        check_vector(vector, pattern, suite);
        ++of_this_kind;
        with_prologue += vector.has("prologue");
        transport_messages += static_cast<int>(vector.messages.size()) - 3;
      }
      CHECK(of_this_kind > 0);
      passed += of_this_kind;
    }
  }
  CHECK(with_prologue > 0);
  CHECK(transport_messages > 0);
  WARN(passed << " vectors, " << with_prologue << " of them with a prologue, " << transport_messages
              << " transport messages");
}

// rekey(): the first 32 bytes of ENCRYPT(k, 2^64 - 1, "", zeros), and n stays. Expected values are
// from python3-cryptography, with k = 00 01 .. 1f.
TEST_CASE("a rekeyed cipher seals as an independent library says") {
  const struct {
    Suite suite;
    const char* before;
    const char* new_key;
  } expected[] = {
      {Suite::aesgcm, "0ad4d0b2d9436f5234ba17a14d9d4ce87cec06d53e0f",
       "0201675c87335949b909793da5bb4d92fcf6d44b92a6e0792b6ae48b1881259d"},
      {Suite::chachapoly, "1cd0275dc189c1f8936d216b8f5d815259254b1f2eb9",
       "50835543a205b22c9323f2022bc4f67d838f90e61d5ccf33c4513e01f85b5042"},
  };
  const Bytes key = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const auto seal = [](CipherState& cipher) {
    Bytes buffer = copy(view("\x04hello"));
    buffer.resize(buffer.size() + kTagBytes);
    cipher.encrypt_with_ad({}, buffer);
    return buffer;
  };
  for (const auto& row : expected) {
    if (row.suite == Suite::aesgcm && !crypto::aes_available()) continue;
    CipherState cipher(row.suite, crypto::KeyView(key.data(), 32));
    CHECK(to_hex(seal(cipher)) == row.before);
    cipher.rekey();
    CHECK(cipher.nonce() == 1);

    const Bytes new_key = hex(row.new_key);
    CipherState fresh(row.suite, crypto::KeyView(new_key.data(), 32));
    seal(fresh);  // n = 0, to come to the same n
    CHECK(seal(cipher) == seal(fresh));
  }
}

TEST_CASE("a failed decryption leaves the nonce where it was") {
  for (Suite suite : suites()) {
    CipherState sender(suite, key_of(5).view());
    CipherState receiver(suite, key_of(5).view());
    Bytes buffer(20);
    sender.encrypt_with_ad(view("ad"), buffer);
    Bytes wrong = buffer;
    wrong[0] ^= 1;
    CHECK_FALSE(receiver.decrypt_with_ad(view("ad"), wrong).has_value());
    CHECK(receiver.nonce() == 0);
    CHECK(receiver.decrypt_with_ad(view("ad"), buffer).has_value());
    CHECK(receiver.nonce() == 1);
  }
}

template <class State>
constexpr bool kSplitsAsLvalue = requires(State& state) {
  state.split();
};

TEST_CASE("only a handshake that is given up can be split") {
  STATIC_REQUIRE_FALSE(kSplitsAsLvalue<HandshakeState>);
  STATIC_REQUIRE_FALSE(kSplitsAsLvalue<SymmetricState>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<HandshakeState>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<CipherState>);
}

TEST_CASE("a payload that fills a message to 65535 bytes passes, one more byte does not") {
  const auto client = pair_of(1);
  const auto server = pair_of(2);
  const std::size_t most = kNoiseMessageBytesMax - 48;
  auto initiator = HandshakeState::initiator(Pattern::xk, Suite::chachapoly, {}, client, pair_of(3),
                                             server.public_key());
  auto responder =
      HandshakeState::responder(Pattern::xk, Suite::chachapoly, {}, server, pair_of(4));
  CHECK(initiator.write_message(Bytes(most + 1)).error().code == ErrorCode::too_large);
  const auto message = initiator.write_message(Bytes(most, 7));
  REQUIRE(message.has_value());
  CHECK(message->size() == kNoiseMessageBytesMax);
  CHECK(responder.read_message(*message).value() == Bytes(most, 7));
}

TEST_CASE("without its psk a handshake fails and stays dead") {
  const auto client = pair_of(1);
  const auto server = pair_of(2);
  auto initiator = HandshakeState::initiator(Pattern::xkpsk3, Suite::chachapoly, {}, client,
                                             pair_of(3), server.public_key());
  auto responder =
      HandshakeState::responder(Pattern::xkpsk3, Suite::chachapoly, {}, server, pair_of(4));
  REQUIRE(responder.read_message(initiator.write_message({}).value()).has_value());
  REQUIRE(initiator.read_message(responder.write_message({}).value()).has_value());
  CHECK(initiator.write_message({}).error().code == ErrorCode::invalid);
  CHECK(initiator.write_message({}).error().code == ErrorCode::closed);
  CHECK_FALSE(initiator.finished());
  CHECK(responder.read_message(Bytes(63)).error().code == ErrorCode::malformed);
  CHECK(responder.read_message(Bytes(64)).error().code == ErrorCode::closed);
}

}  // namespace
}  // namespace fed::channel
