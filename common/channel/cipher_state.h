// CipherState: one direction's key and counter (Noise Protocol Framework, revision 34,
// section 5.1).
#pragma once

#include "channel/suite.h"
#include "crypto/aead.h"

namespace fed::channel {

using crypto::kTagBytes;

// A key `k` and the nonce `n` of its next message. Always has a key: in both of our patterns the
// first thing that is encrypted follows a Diffie-Hellman, so the specification's empty key never
// occurs. Wiped on destruction. Not thread-safe; movable between threads.
class CipherState {
 public:
  CipherState(Suite suite, crypto::KeyView key) : suite_(suite), key_(aead_of(suite), key) {}

  void initialize_key(crypto::KeyView key);

  // Seals in place: `buffer` holds the plaintext and kTagBytes of room behind it. Increments n.
  void encrypt_with_ad(ByteView ad, ByteSpan buffer);

  // Opens in place and returns the plaintext, the front of `ciphertext`. ErrorCode::unauthentic
  // leaves n as it was.
  Result<ByteSpan> decrypt_with_ad(ByteView ad, ByteSpan ciphertext);

  // k = the first 32 bytes of ENCRYPT(k, 2^64 - 1, "", zeros); n stays (sections 4.2 and 11.3).
  void rekey();

  // n: how many messages this state has sealed or opened since its key was initialized.
  std::uint64_t nonce() const { return n_; }
  Suite suite() const { return suite_; }

 private:
  Suite suite_;
  crypto::AeadKey key_;
  std::uint64_t n_ = 0;
};

}  // namespace fed::channel
