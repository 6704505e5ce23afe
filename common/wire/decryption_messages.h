// The messages of homomorphic encryption (common/paillier): the server asks the key holder of a job
// for the sum of a round.
//
// A sum is asked for in stretches of ciphertexts, one after the other. Nothing here says that what
// is to be decrypted is a sum: client/app/key_holder.h says what a holder does about that. Plain
// values; copy and move freely.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace fed::wire {

// Of a ciphertext and of its plaintext (paillier/limbs.h).
inline constexpr std::size_t kCiphertextBytes = 768;
inline constexpr std::size_t kPlaintextBytes = 384;
inline constexpr std::size_t kCiphertextsMax = 80;  // of one message

// Client to server, after the job's offer: this client holds the secret key of the job.
struct KeyHeld {
  std::string job;
};

// Server to client.
struct DecryptSum {
  std::string job;
  std::int64_t round = 0;
  std::uint32_t clients = 0;  // whose updates are in the sum
  std::uint32_t first = 0;    // which ciphertext of the sum is the first one here
  Bytes ciphertexts;          // 1 to kCiphertextsMax
};
// Client to server: their plaintexts, in that order.
struct DecryptedSum {
  std::string job;
  std::int64_t round = 0;
  std::uint32_t first = 0;
  Bytes plaintexts;
};
// Client to server: it will not, and why.
struct DecryptionRefused {
  std::string job;
  std::int64_t round = 0;
  std::string detail;
};

}  // namespace fed::wire
