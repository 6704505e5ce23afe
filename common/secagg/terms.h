// What one attempt at one round is about, and the hash that everything in it is bound to.
//
// Before anybody makes a key, the server says which round it asks for. A client compares this with
// what it knows itself (client.h), and its signature, its keys and all masks depend on it: clients
// that were told different terms get different masks, and no sum comes out.
#pragma once

#include <string>

#include "crypto/hash.h"
#include "secagg/parameters.h"

namespace fed::secagg {

// Hashes fields so that two different lists never look the same: a label that says for what (and
// the version of this protocol), then every field with its length in front, in 8 bytes,
// little-endian. Numbers are fields of 8 bytes, little-endian. Not thread-safe.
class Transcript {
 public:
  explicit Transcript(std::string_view purpose);
  Transcript& add(ByteView field);
  Transcript& add(std::string_view field) { return add(view(field)); }
  Transcript& add_number(std::uint64_t number);
  crypto::Hash finish() const { return hasher_.finish(); }

 private:
  crypto::Sha256 hasher_;
};

inline constexpr unsigned kModulusBitsMax = 64;
inline constexpr std::uint64_t kVectorLengthMax = std::uint64_t{1} << 36;

struct Terms {
  std::string job;
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;       // of the job; a new one after a failure
  crypto::Hash model{};            // of the global model that the updates start from
  crypto::Hash settings{};         // of the hyper-parameters
  Threat threat;                   // what the parameters were chosen against
  std::uint32_t clients = 0;       // invited
  std::uint8_t modulus_bits = 32;  // b: sums are taken modulo 2^b; 1 to 64
  std::uint64_t length = 0;        // elements of a vector; at least 1

  bool operator==(const Terms&) const = default;
};

// ErrorCode::invalid for a number out of its range.
Status check(const Terms& terms);

crypto::Hash hash_of(const Terms& terms);

}  // namespace fed::secagg
