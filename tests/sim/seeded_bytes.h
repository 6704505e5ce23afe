// Bytes for whoever draws its secrets, the same ones for the same seed: a run can be repeated.
#pragma once

#include <memory>

#include "base/random.h"
#include "crypto/random.h"

namespace fed::sim {

inline crypto::RandomSource seeded_bytes(std::uint64_t seed) {
  return [random = std::make_shared<Random>(seed)](ByteSpan into) {
    for (std::uint8_t& byte : into) byte = static_cast<std::uint8_t>(random->next());
  };
}

}  // namespace fed::sim
