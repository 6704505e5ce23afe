#include "channel/join_code.h"

#include <catch2/catch.hpp>

#include "channel_testing.h"
#include "crypto/hash.h"

namespace fed::channel {
namespace {

JoinCode example(std::string address = "fl.example.org:7600") {
  crypto::PublicKey server;
  server.fill(0x22);
  return {3, server, JoinId{1, 2, 3, 4, 5, 6, 7, 8}, key_of(0x44), std::move(address)};
}

TEST_CASE("a join code comes back, and is the bytes that the format says") {
  const std::string code = encode_join_code(example()).value();
  const JoinCode decoded = decode_join_code(code).value();
  CHECK(decoded.suites == 3);
  CHECK(decoded.server == example().server);
  CHECK(decoded.id == example().id);
  CHECK(crypto::constant_time_equal(decoded.psk.view(), key_of(0x44).view()));
  CHECK(decoded.address == "fl.example.org:7600");

  Bytes content{3};
  append(content, Bytes(32, 0x22));
  append(content, Bytes{1, 2, 3, 4, 5, 6, 7, 8});
  append(content, Bytes(32, 0x44));
  append(content, view("fl.example.org:7600"));
  const auto sum = crypto::sha256(view("fed1-" + std::string(text(content))));
  append(content, ByteView(sum).first(4));
  CHECK(code == "fed1-" + to_base64url(content));
}

TEST_CASE("white space that a mail program adds is ignored") {
  const std::string code = encode_join_code(example()).value();
  for (std::size_t at = 0; at <= code.size(); at += 7) {
    std::string wrapped = code;
    wrapped.insert(at, "\r\n  ");
    CHECK(decode_join_code("\t" + wrapped + "\n").has_value());
  }
}

TEST_CASE("a code with any character changed, dropped or doubled, or cut anywhere, is refused") {
  const std::string code = encode_join_code(example()).value();
  const std::string secret = to_base64url(Bytes(32, 0x44)).substr(0, 20);
  const auto refused = [&](const std::string& bad) {
    const auto decoded = decode_join_code(bad);
    if (decoded) return false;
    CHECK(decoded.error().code == ErrorCode::malformed);
    CHECK(decoded.error().detail.find(secret) == std::string::npos);
    return decoded.error().detail.find("fedserver invite") != std::string::npos;
  };
  for (std::size_t i = 0; i < code.size(); ++i) {
    for (char c : {'A', 'b', '7', '-', '_', '!', '\0'}) {
      std::string changed = code;
      if (changed[i] == c) continue;
      changed[i] = c;
      CHECK(refused(changed));
    }
    if (i > 0) CHECK(refused(code.substr(i)));
    CHECK(refused(code.substr(0, i)));
    CHECK(refused(std::string(code).insert(i, 1, code[i])));
    std::string dropped = code;
    dropped.erase(i, 1);
    CHECK(refused(dropped));
  }
  CHECK_FALSE(decode_join_code(std::string(100000, 'A')).has_value());
  CHECK_FALSE(decode_join_code("").has_value());
}

TEST_CASE("an address is host:port, in both directions") {
  for (const char* good : {"a:1", "fl.example.org:65535", "10.0.0.1:7600", "[::1]:7600"}) {
    const auto code = encode_join_code(example(good));
    REQUIRE(code.has_value());
    CHECK(decode_join_code(*code)->address == good);
  }
  const std::string bad[] = {
      "",           "host",         ":7600",    "host:",
      "host:0",     "host:65536",   "host:-1",  "host:7600 ",
      "ho st:7600", "::1:7600",     "[]:7600",  "[::1:76",
      "host:76x",   "h\xc3\xb6:76", "host:+76", std::string(260, 'a') + ":7600"};
  for (const std::string& address : bad) {
    INFO(address);
    const auto code = encode_join_code(example(address));
    REQUIRE_FALSE(code.has_value());
    CHECK(code.error().code == ErrorCode::invalid);
    CHECK_THAT(code.error().detail, Catch::Contains("host:port"));
  }
}

TEST_CASE("a well-made code with a useless address is refused") {
  // A checksum is no signature: whoever writes the code may write anything.
  Bytes content(1 + 32 + 8 + 32, 1);
  append(content, view("nowhere"));
  const auto sum = crypto::sha256(view("fed1-" + std::string(text(content))));
  append(content, ByteView(sum).first(4));
  const auto decoded = decode_join_code("fed1-" + to_base64url(content));
  REQUIRE_FALSE(decoded.has_value());
  CHECK_THAT(decoded.error().detail, Catch::Contains("address"));
}

}  // namespace
}  // namespace fed::channel
