#include "crypto/aead.h"

#include <catch2/catch.hpp>

#include "crypto/random.h"

namespace fed::crypto {
namespace {

Bytes hex(std::string_view digits) { return from_hex(digits).value(); }
KeyView key_of(const Bytes& bytes) { return KeyView(bytes.data(), kKeyBytes); }

Nonce nonce_of(std::string_view digits) {
  const Bytes bytes = hex(digits);
  Nonce nonce{};
  REQUIRE(bytes.size() == nonce.size());
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

std::vector<Aead> available_aeads() {
  std::vector<Aead> aeads{Aead::chacha20_poly1305};
  if (aes_available()) aeads.push_back(Aead::aes256_gcm);
  return aeads;
}

struct Vector {
  Aead aead;
  const char* key;
  const char* nonce;
  const char* ad;
  std::string plain;
  const char* sealed;
};

const Vector kVectors[] = {
    // RFC 8439, section 2.8.2.
    {Aead::chacha20_poly1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     to_hex(view("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
                 "the future, sunscreen would be it.")),
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92"
     "728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b"
     "4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"},
    // McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 and 16.
    {Aead::aes256_gcm, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {Aead::aes256_gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
     "b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682"
     "8838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST_CASE("both ciphers seal and open the published vectors, in place and apart") {
  for (const Vector& vector : kVectors) {
    if (!available(vector.aead)) continue;
    const Bytes raw_key = hex(vector.key);
    const AeadKey key(vector.aead, key_of(raw_key));
    const Nonce nonce = nonce_of(vector.nonce);
    const Bytes ad = hex(vector.ad);
    const Bytes plain = hex(vector.plain);

    Bytes apart(plain.size() + kTagBytes);
    key.seal(nonce, ad, plain, apart);
    CHECK(to_hex(apart) == vector.sealed);

    Bytes in_place = plain;
    in_place.resize(plain.size() + kTagBytes);
    key.seal(nonce, ad, ByteView(in_place).first(plain.size()), in_place);
    CHECK(in_place == apart);

    const auto opened = key.open(nonce, ad, in_place);
    REQUIRE(opened.has_value());
    CHECK(copy(*opened) == plain);
  }
}

TEST_CASE("text of every length around the ciphers' blocks comes back, in place") {
  for (Aead aead : available_aeads()) {
    const auto raw_key = random_array<32>();
    const AeadKey key(aead, raw_key);
    std::vector<std::size_t> lengths{4095, 65535, 65536, 65537};
    for (std::size_t n = 0; n <= 300; ++n) lengths.push_back(n);
    for (std::size_t n : lengths) {
      Bytes plain(n);
      random_bytes(plain);
      Bytes buffer = plain;
      buffer.resize(n + kTagBytes);
      key.seal(Nonce{1}, {}, ByteView(buffer).first(n), buffer);
      if (n >= 16) CHECK_FALSE(std::equal(plain.begin(), plain.end(), buffer.begin()));
      const auto opened = key.open(Nonce{1}, {}, buffer);
      REQUIRE(opened.has_value());
      REQUIRE(std::equal(opened->begin(), opened->end(), plain.begin(), plain.end()));
    }
  }
}

TEST_CASE("a flipped bit, a cut, another nonce, key or ad does not open and shows no plaintext") {
  for (Aead aead : available_aeads()) {
    const auto raw_key = random_array<32>();
    const AeadKey key(aead, raw_key);
    const Bytes plain = copy(view("sixteen or more bytes of plaintext"));
    const Bytes ad = copy(view("ad"));
    Bytes sealed(plain.size() + kTagBytes);
    key.seal(Nonce{}, ad, plain, sealed);

    const auto refused = [&](const AeadKey& with, const Nonce& nonce, ByteView other_ad,
                             Bytes text) {
      const auto opened = with.open(nonce, other_ad, text);
      return !opened && opened.error().code == ErrorCode::unauthentic &&
             std::search(text.begin(), text.end(), plain.begin(), plain.begin() + 16) == text.end();
    };
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      Bytes altered = sealed;
      altered[i] ^= static_cast<std::uint8_t>(1u << (i % 8));
      CHECK(refused(key, Nonce{}, ad, altered));
      CHECK(refused(key, Nonce{}, ad, Bytes(sealed.begin(), sealed.begin() + static_cast<int>(i))));
    }
    CHECK(refused(key, Nonce{1}, ad, sealed));
    CHECK(refused(key, Nonce{}, view("aD"), sealed));
    CHECK(refused(key, Nonce{}, {}, sealed));
    CHECK(refused(AeadKey(aead, random_array<32>()), Nonce{}, ad, sealed));
    CHECK_FALSE(refused(key, Nonce{}, ad, sealed));  // the check itself can tell
  }
}

TEST_CASE("set_key replaces the key, and moving keeps it") {
  for (Aead aead : available_aeads()) {
    const auto first = random_array<32>();
    const auto second = random_array<32>();
    AeadKey key(aead, first);
    key.set_key(second);
    AeadKey moved = std::move(key);
    Bytes a(20), b(20);
    moved.seal(Nonce{}, {}, view("text"), a);
    AeadKey(aead, second).seal(Nonce{}, {}, view("text"), b);
    CHECK(a == b);
    CHECK(moved.aead() == aead);
  }
}

TEST_CASE("the preferred cipher is available, and unknown numbers are not") {
  CHECK(available(preferred_aead()));
  CHECK_FALSE(available(Aead{0}));
  CHECK_FALSE(available(Aead{3}));
}

}  // namespace
}  // namespace fed::crypto
