#include "channel/records.h"

#include <catch2/catch.hpp>

#include "channel_testing.h"

namespace fed::channel {
namespace {

CipherState cipher_of(Suite suite) {
  Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return CipherState(suite, crypto::KeyView(key.data(), 32));
}

Bytes sealed(Sealer& sealer, Kind kind, std::string_view body) {
  Bytes out;
  REQUIRE(sealer.seal(kind, view(body), out));
  return out;
}
// The ciphertext of a stream that is one record.
ByteSpan ciphertext(Bytes& stream) { return ByteSpan(stream).subspan(kRecordLengthBytes); }

TEST_CASE("records of every kind come back, appended one after the other") {
  for (Suite suite : suites()) {
    Sealer sealer(cipher_of(suite));
    Opener opener(cipher_of(suite));
    Bytes stream;
    const Kind kinds[] = {Kind::control, Kind::chunk, Kind::stretch,
                          Kind::ping,    Kind::pong,  Kind::end};
    for (Kind kind : kinds) REQUIRE(sealer.seal(kind, view("body"), stream));
    std::size_t at = 0;
    for (Kind kind : kinds) {
      const std::size_t length = load_be16(stream.data() + at);
      CHECK(length == 1 + 4 + 16);
      CHECK_FALSE(opener.ended());
      const auto record = opener.open(ByteSpan(stream).subspan(at + 2, length));
      REQUIRE(record.has_value());
      CHECK(record->kind == kind);
      CHECK(text(record->body) == "body");
      at += 2 + length;
    }
    CHECK(at == stream.size());
    CHECK(opener.ended());
  }
}

TEST_CASE("a record is what python3-cryptography makes of the same key, before and after a rekey") {
  const struct {
    Suite suite;
    const char* first;
    const char* after_rekey;  // number 65536, under the second key
  } expected[] = {
      {Suite::aesgcm, "0ad4d0b2d9436f5234ba17a14d9d4ce87cec06d53e0f",
       "be5a088ee6e2a5764eb35d8499c11f78412b5e41d813"},
      {Suite::chachapoly, "1cd0275dc189c1f8936d216b8f5d815259254b1f2eb9",
       "669b49310f345f23e1e007e1f2f68f7553e2e97fb72b"},
  };
  for (const auto& row : expected) {
    if (row.suite == Suite::aesgcm && !crypto::aes_available()) continue;
    Sealer sealer(cipher_of(row.suite));
    CHECK(to_hex(sealed(sealer, Kind::ping, "hello")) == "0016" + std::string(row.first));
    Bytes scratch;
    for (std::uint64_t i = 1; i < kRecordsPerRekey; ++i) {
      scratch.clear();
      if (!sealer.seal(Kind::ping, {}, scratch)) FAIL("record " << i);
    }
    CHECK(to_hex(sealed(sealer, Kind::ping, "hello")) == "0016" + std::string(row.after_rekey));
  }
}

TEST_CASE("both ends cross two rekeys together") {
  for (Suite suite : suites()) {
    Sealer sealer(cipher_of(suite));
    Opener opener(cipher_of(suite));
    Bytes stream;
    for (std::uint32_t i = 0; i < 2 * kRecordsPerRekey + 10; ++i) {
      std::uint8_t number[4];
      store_le<std::uint32_t>(number, i);
      stream.clear();
      if (!sealer.seal(Kind::chunk, number, stream)) FAIL("record " << i);
      const auto record = opener.open(ciphertext(stream));
      if (!record || load_le<std::uint32_t>(record->body.data()) != i) FAIL("record " << i);
    }
  }
}

TEST_CASE("any changed or missing byte of a record is an error, and final") {
  for (Suite suite : suites()) {
    Sealer sealer(cipher_of(suite));
    const Bytes whole = sealed(sealer, Kind::control, "a body of some bytes");
    Bytes next = sealed(sealer, Kind::control, "next");
    for (std::size_t i = kRecordLengthBytes; i < whole.size(); ++i) {
      for (bool cut : {false, true}) {
        Opener opener(cipher_of(suite));
        Bytes altered = whole;
        if (cut) {
          altered.resize(i);
        } else {
          altered[i] ^= 0x10;
        }
        const auto opened = opener.open(ciphertext(altered));
        REQUIRE_FALSE(opened.has_value());
        CHECK((opened.error().code == ErrorCode::unauthentic ||
               opened.error().code == ErrorCode::malformed));
        Bytes good = whole;
        CHECK(opener.open(ciphertext(good)).error().code == ErrorCode::closed);
        CHECK_FALSE(opener.ended());
      }
    }
    Opener opener(cipher_of(suite));
    Bytes good = whole;
    REQUIRE(opener.open(ciphertext(good)).has_value());
    CHECK(opener.open(ciphertext(next)).has_value());
  }
}

TEST_CASE("a record that is repeated, skipped or from the other direction does not open") {
  Sealer sealer(cipher_of(Suite::chachapoly));
  const Bytes first = sealed(sealer, Kind::control, "first");
  const Bytes second = sealed(sealer, Kind::control, "second");
  const auto opens_after = [](Bytes before, Bytes record) {
    Opener opener(cipher_of(Suite::chachapoly));
    if (!before.empty()) REQUIRE(opener.open(ciphertext(before)).has_value());
    return opener.open(ciphertext(record)).has_value();
  };
  CHECK(opens_after(first, second));
  CHECK_FALSE(opens_after(first, first));
  CHECK_FALSE(opens_after({}, second));
  Opener other(CipherState(Suite::chachapoly, key_of(6).view()));
  Bytes reflected = first;
  CHECK_FALSE(other.open(ciphertext(reflected)).has_value());
}

TEST_CASE("the end is final on both sides, and its absence shows") {
  Sealer sealer(cipher_of(Suite::chachapoly));
  Opener opener(cipher_of(Suite::chachapoly));
  Bytes last = sealed(sealer, Kind::end, "");
  CHECK(sealer.ended());
  Bytes out;
  CHECK(sealer.seal(Kind::control, {}, out).error().code == ErrorCode::closed);
  CHECK(out.empty());

  CHECK_FALSE(opener.ended());
  const auto record = opener.open(ciphertext(last));
  REQUIRE(record.has_value());
  CHECK(record->kind == Kind::end);
  CHECK(record->body.empty());
  CHECK(opener.ended());
  Bytes more(40);
  CHECK(opener.open(more).error().code == ErrorCode::closed);
  CHECK(opener.ended());
}

TEST_CASE("a kind that does not exist is refused, although its seal is good") {
  for (std::uint8_t kind : std::initializer_list<std::uint8_t>{0, 7, 255}) {
    CipherState cipher = cipher_of(Suite::chachapoly);
    Bytes buffer{kind};
    buffer.resize(1 + kTagBytes);
    cipher.encrypt_with_ad({}, buffer);
    Opener opener(cipher_of(Suite::chachapoly));
    CHECK(opener.open(buffer).error().code == ErrorCode::malformed);
    CHECK(opener.open(buffer).error().code == ErrorCode::closed);
  }
}

TEST_CASE("the largest body fits, appended or in place, and a larger one has no effect") {
  for (Suite suite : suites()) {
    Sealer appending(cipher_of(suite));
    Sealer in_place(cipher_of(suite));
    Opener opener(cipher_of(suite));
    Bytes body(kRecordBodyBytesMax + 1);
    crypto::random_bytes(body);
    Bytes out;
    CHECK(appending.seal(Kind::chunk, body, out).error().code == ErrorCode::too_large);
    CHECK(out.empty());
    Bytes whole(kRecordOverheadBytes + body.size(), 7);
    const Bytes before = whole;
    CHECK(in_place.seal_in_place(Kind::chunk, whole).error().code == ErrorCode::too_large);
    CHECK(whole == before);

    body.resize(kRecordBodyBytesMax);
    REQUIRE(appending.seal(Kind::chunk, body, out));
    CHECK(out.size() == kRecordBodyBytesMax + kRecordOverheadBytes);
    whole.pop_back();
    std::copy(body.begin(), body.end(), whole.begin() + kRecordBodyAt);
    REQUIRE(in_place.seal_in_place(Kind::chunk, whole));
    CHECK(whole == out);
    const auto record = opener.open(ciphertext(out));
    REQUIRE(record.has_value());
    CHECK(copy(record->body) == body);
  }
}

TEST_CASE("the two halves move to owners of their own") {
  Transport transport{Sealer(cipher_of(Suite::chachapoly)), Opener(cipher_of(Suite::chachapoly))};
  Sealer sealer = std::move(transport.sealer);
  Opener opener = std::move(transport.opener);
  Bytes record = sealed(sealer, Kind::pong, "x");
  CHECK(opener.open(ciphertext(record)).has_value());
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Sealer>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Opener>);
}

}  // namespace
}  // namespace fed::channel
