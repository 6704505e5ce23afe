#include "channel/handshake.h"

#include <catch2/catch.hpp>

#include "channel/prologue.h"
#include "channel/record_reader.h"
#include "channel_testing.h"

namespace fed::channel {
namespace {

// Both patterns with every suite, each as a test of its own.
void for_each_kind(const std::function<void(const std::function<void(Pairing&)>& set_up)>& body) {
  for (Suite suite : suites()) {
    for (bool joining : {false, true}) {
      INFO(name(suite) << (joining ? ", joining" : ""));
      body([=](Pairing& pairing) {
        pairing.suite = suite;
        pairing.payload = copy(view("hospital-7"));
        if (joining) pairing.join = pairing.invitation();
      });
    }
  }
}

// A record from one side arrives at the other.
void check_talks(Transport& from, Transport& to) {
  Bytes stream;
  REQUIRE(from.sealer.seal(Kind::control, view("hello"), stream));
  const auto record = to.opener.open(ByteSpan(stream).subspan(2));
  REQUIRE(record.has_value());
  CHECK(record->kind == Kind::control);
  CHECK(text(record->body) == "hello");
}

TEST_CASE("both sides learn the same, and talk in both directions") {
  for_each_kind([](const auto& set_up) {
    Pairing pairing;
    set_up(pairing);
    const bool joining = pairing.join.has_value();
    auto client = pairing.client();
    auto server = pairing.server();
    REQUIRE(shake(client, server));
    REQUIRE((client.finished() && server.finished()));
    CHECK((client.wanted() == 0 && server.wanted() == 0));

    Established at_client = std::move(client).finish();
    Established at_server = std::move(server).finish();
    CHECK(at_client.handshake_hash == at_server.handshake_hash);
    CHECK(at_client.peer == pairing.server_static.public_key());
    CHECK(at_server.peer == pairing.client_static.public_key());
    CHECK(text(at_server.payload) == "hospital-7");
    CHECK(at_client.suite == pairing.suite);
    CHECK(at_server.suite == pairing.suite);
    CHECK(at_server.join_id.has_value() == joining);
    if (joining) CHECK(*at_server.join_id == pairing.known.join_id);
    CHECK(pairing.known.asked_allow == (joining ? 0 : 1));
    CHECK(pairing.known.asked_psk == (joining ? 1 : 0));
    check_talks(at_client.transport, at_server.transport);
    check_talks(at_server.transport, at_client.transport);
  });
}

TEST_CASE("the messages have the sizes that the README states") {
  Pairing pairing;
  auto client = pairing.client();
  auto server = pairing.server();
  const Bytes first = client.take_output();
  CHECK(first.size() == 8 + 2 + 48);
  CHECK(text(ByteView(first).first(4)) == "FEDL");
  REQUIRE(server.feed(first));
  const Bytes second = server.take_output();
  CHECK(second.size() == 2 + 48);
  REQUIRE(client.feed(second));
  CHECK(client.take_output().size() == 2 + 64);

  Pairing joining;
  joining.join = joining.invitation();
  CHECK(joining.client().take_output().size() == 8 + 2 + 56);
}

TEST_CASE(
    "bytes may come one at a time, or exactly as many as are wanted, or with records behind") {
  Pairing pairing;
  auto client = pairing.client();
  auto server = pairing.server();
  const Bytes first = client.take_output();
  for (std::uint8_t byte : first) {
    CHECK(server.take_output().empty());
    CHECK(server.feed(ByteView(&byte, 1)).value() == 1);
  }
  const Bytes second = server.take_output();
  std::size_t at = 0;
  while (!client.finished()) {
    const std::size_t wanted = client.wanted();
    REQUIRE((wanted > 0 && at + wanted <= second.size()));
    CHECK(client.feed(ByteView(second).subspan(at, wanted)).value() == wanted);
    at += wanted;
  }
  CHECK(at == second.size());

  Bytes third = client.take_output();
  const std::size_t third_bytes = third.size();
  Established at_client = std::move(client).finish();
  REQUIRE(at_client.transport.sealer.seal(Kind::ping, view("early"), third));
  const std::size_t used = server.feed(third).value();
  CHECK(used == third_bytes);
  REQUIRE(server.finished());
  CHECK(server.feed(ByteView(third).subspan(used)).value() == 0);
  Established at_server = std::move(server).finish();
  RecordReader reader;
  CHECK(reader.take(ByteView(third).subspan(used)) == third.size() - used);
  const auto ciphertext = reader.next();
  REQUIRE((ciphertext.has_value() && ciphertext->has_value()));
  CHECK(text(at_server.transport.opener.open(**ciphertext)->body) == "early");
}

// Runs a handshake in which one byte of one direction is changed. Returns whether the side that
// receives it fails.
bool flip_is_refused(const std::function<void(Pairing&)>& set_up, bool upwards, std::size_t at) {
  Pairing pairing;
  set_up(pairing);
  auto client = pairing.client();
  auto server = pairing.server();
  std::size_t up = 0;
  std::size_t down = 0;
  const auto spoil = [&](Bytes& bytes, std::size_t& position, bool this_way) {
    if (this_way && at >= position && at < position + bytes.size()) bytes[at - position] ^= 0x01;
    position += bytes.size();
  };
  while (true) {
    Bytes to_server = client.take_output();
    Bytes to_client = server.take_output();
    if (to_server.empty() && to_client.empty()) break;
    spoil(to_server, up, upwards);
    spoil(to_client, down, !upwards);
    if (!server.feed(to_server)) return upwards && !server.finished();
    if (!client.feed(to_client)) return !upwards && !client.finished();
  }
  // A longer message may have been announced: whatever follows, it does not become a good one.
  return upwards && !server.finished() && !server.feed(Bytes(600)).has_value();
}

TEST_CASE("a change of any byte of a handshake is refused by whoever receives it") {
  for_each_kind([](const auto& set_up) {
    Pairing pairing;
    set_up(pairing);
    const std::size_t up = 8 + 2 + (pairing.join ? 56u : 48u) + 2 + 64 + pairing.payload.size();
    const std::size_t down = 2 + 48;
    for (std::size_t at = 0; at < up; ++at) {
      INFO("byte " << at << " to the server");
      CHECK(flip_is_refused(set_up, true, at));
    }
    for (std::size_t at = 0; at < down; ++at) {
      INFO("byte " << at << " to the client");
      CHECK(flip_is_refused(set_up, false, at));
    }
    CHECK_FALSE(flip_is_refused(set_up, true, up));  // beyond the end: nothing is changed
  });
}

TEST_CASE("a handshake that is cut at any byte is neither finished nor answered further") {
  for_each_kind([](const auto& set_up) {
    Pairing pairing;
    set_up(pairing);
    auto client = pairing.client();
    const Bytes first = client.take_output();
    auto whole = pairing.server();
    REQUIRE(whole.feed(first));
    const Bytes second = whole.take_output();
    REQUIRE(client.feed(second));
    const Bytes third = client.take_output();

    Bytes up = first;
    append(up, third);
    for (std::size_t cut = 0; cut < up.size(); ++cut) {
      auto server = pairing.server();
      CHECK(server.feed(ByteView(up).first(cut)).value() == cut);
      CHECK_FALSE(server.finished());
      CHECK(server.wanted() > 0);
      CHECK(server.take_output().empty() == (cut < first.size()));
    }
    for (std::size_t cut = 0; cut < second.size(); ++cut) {
      Pairing again;
      set_up(again);
      auto cut_client = again.client();
      cut_client.take_output();
      CHECK(cut_client.feed(ByteView(second).first(cut)).value() == cut);
      CHECK_FALSE(cut_client.finished());
      CHECK(cut_client.take_output().empty());
    }
  });
}

TEST_CASE("a client with the wrong server key gets no answer, and the directory is not asked") {
  Pairing pairing;
  pairing.server_key_at_client = pair_of(7).public_key();
  auto client = pairing.client();
  auto server = pairing.server();
  CHECK(shake(client, server).error().code == ErrorCode::unauthentic);
  CHECK(server.take_output().empty());
  CHECK(server.wanted() == 0);
  CHECK(server.feed(Bytes(8)).error().code == ErrorCode::closed);
  CHECK(pairing.known.asked_allow + pairing.known.asked_psk == 0);
}

TEST_CASE("a server without the private key cannot pose as the server") {
  Pairing pairing;
  auto client = pairing.client();
  client.take_output();
  Bytes forged{0, 48};
  append(forged, pair_of(8).public_key());
  forged.resize(50, 1);
  const auto refused = client.feed(forged);
  CHECK(refused.error().code == ErrorCode::unauthentic);
  CHECK_THAT(refused.error().detail, Catch::Contains("not the server whose key is configured"));
  CHECK(client.feed(forged).error().code == ErrorCode::closed);
  CHECK(client.take_output().empty());
}

TEST_CASE("a client that the server does not know is refused with the directory's reason") {
  Pairing pairing;
  pairing.known.client = pair_of(7).public_key();
  auto client = pairing.client();
  auto server = pairing.server();
  const Status refused = shake(client, server);
  CHECK(refused.error() == Error{ErrorCode::not_found, "no such client"});
  CHECK_FALSE(server.finished());
  CHECK(pairing.known.asked_allow == 1);
}

TEST_CASE("joining needs a known invitation and its secret") {
  Pairing unknown;
  unknown.join = JoinSecret{JoinId{1}, key_of(unknown.known.psk)};
  auto lost_client = unknown.client();
  auto lost_server = unknown.server();
  CHECK(shake(lost_client, lost_server).error() ==
        Error{ErrorCode::not_found, "no such invitation"});
  CHECK(lost_server.take_output().empty());

  Pairing wrong;
  wrong.join = JoinSecret{wrong.known.join_id, key_of(10)};
  auto client = wrong.client();
  auto server = wrong.server();
  CHECK(shake(client, server).error().code == ErrorCode::unauthentic);
  CHECK_FALSE(server.finished());
}

TEST_CASE("a suite that the server does not accept is refused") {
  Pairing pairing;
  pairing.accepted = set_of(Suite::aesgcm);
  auto client = pairing.client();
  auto server = pairing.server();
  CHECK(shake(client, server).error().code == ErrorCode::unsupported);
}

TEST_CASE("only legal lengths are accepted") {
  for (bool joining : {false, true}) {
    const Preamble preamble{Suite::chachapoly, joining ? Pattern::xkpsk3 : Pattern::xk};
    for (unsigned length = 0; length <= 65535; ++length) {
      Pairing pairing;
      auto server = pairing.server();
      Bytes bytes = copy(encode(preamble));
      bytes.push_back(static_cast<std::uint8_t>(length >> 8));
      bytes.push_back(static_cast<std::uint8_t>(length & 0xff));
      const auto fed = server.feed(bytes);
      if (fed.has_value() != (length == (joining ? 56 : 48))) FAIL("length " << length);
      if (length == 700) length = 65000;  // the rest is no different
    }
  }
}

TEST_CASE("the longest payload passes") {
  Pairing pairing;
  pairing.payload = Bytes(kHandshakePayloadBytesMax, 'p');
  auto client = pairing.client();
  auto server = pairing.server();
  REQUIRE(shake(client, server));
  CHECK(std::move(server).finish().payload == Bytes(kHandshakePayloadBytesMax, 'p'));
}

TEST_CASE("a server key of small order is refused before anything is sent") {
  const auto own = pair_of(1);
  const auto refused =
      ClientHandshake::start(Suite::chachapoly, own, crypto::PublicKey{}, pair_of(3));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::unauthentic);
}

TEST_CASE("the preamble is eight stated bytes, and each of them counts") {
  const Preamble preamble{Suite::chachapoly, Pattern::xk};
  const auto bytes = encode(preamble);
  CHECK(to_hex(bytes) == "4645444c01000201");
  CHECK(text(prologue_of(preamble)) ==
        std::string(text(bytes)) + "Noise_XK_25519_ChaChaPoly_SHA256");
  for (Suite suite : {Suite::aesgcm, Suite::chachapoly}) {
    for (Pattern pattern : {Pattern::xk, Pattern::xkpsk3}) {
      CHECK(parse_preamble(encode({suite, pattern})).value() == Preamble{suite, pattern});
    }
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (unsigned value = 0; value < 256; ++value) {
      auto altered = bytes;
      altered[i] = static_cast<std::uint8_t>(value);
      const auto parsed = parse_preamble(altered);
      const bool legal = altered == bytes || (i == 6 && value == 1) || (i == 7 && value == 2);
      CHECK(parsed.has_value() == legal);
      if (!legal) CHECK((parsed.error().code == ErrorCode::malformed) == (i < 4));
    }
  }
  CHECK_FALSE(parse_preamble(ByteView(bytes).first(7)).has_value());
  auto newer = bytes;
  newer[4] = 2;
  CHECK_THAT(parse_preamble(newer).error().detail, Catch::Contains("version 2"));
}

TEST_CASE("a suite is chosen that both sides have") {
  CHECK(choose_suite(set_of(Suite::chachapoly)) == Suite::chachapoly);
  CHECK(choose_suite(0xff) == (crypto::aes_available() ? Suite::aesgcm : Suite::chachapoly));
  for (Suite suite : {Suite::aesgcm, Suite::chachapoly}) {
    CHECK(suite_from(name(suite)).value() == suite);
  }
  CHECK(suite_from("aesgcm").error().code == ErrorCode::invalid);
  CHECK((suites_supported() & set_of(Suite::chachapoly)) != 0);
}

}  // namespace
}  // namespace fed::channel
