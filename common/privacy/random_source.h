// The coins that noise and cohorts are made of: unpredictable words, many of them, quickly.
//
// Noise protects only as long as nobody can repeat it, so its coins are those of keys: a fresh key
// of the operating system (crypto/random.h) is stretched by a stream cipher, 16 KiB at a time. The
// first 32 bytes of every stretch are the key of the next one and are never handed out, so who
// reads this memory later learns nothing about the coins that were used before ("fast-key-erasure",
// Bernstein 2017). What was handed out is overwritten at once, the rest on destruction.
//
// A seeded source is for tests and simulation: the same seed gives the same coins on every machine.
// A scripted one hands out words that were chosen, for tests of what happens once in 2^64 draws.
//
// Move-only; not thread-safe: one object per owner. A moved-from source may only be destroyed or
// assigned to. A process that forks must make a new one: both sides would draw the same.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "crypto/aead.h"

namespace fed::privacy {

class RandomSource {
 public:
  // From the operating system; never fails (without a source of randomness the process ends).
  RandomSource();
  // From a key that is random, known to nobody else and used for nothing else.
  static RandomSource from_key(crypto::KeyView key);
  // Predictable: whoever knows the seed knows the noise. Never for people's data.
  static RandomSource seeded(std::uint64_t seed);
  // These words, at most 2048, and an end of the process after them.
  static RandomSource scripted(std::span<const std::uint64_t> words);

  RandomSource(RandomSource&&) noexcept;
  RandomSource& operator=(RandomSource&&) noexcept;
  ~RandomSource();

  // 64 independent fair coins.
  std::uint64_t word() {
    if (words_left_ == 0) refill();
    return take_word();
  }

  // One fair coin.
  bool coin() {
    if (coins_left_ == 0) {
      coins_ = word();
      coins_left_ = 64;
    }
    const bool heads = (coins_ & 1) != 0;
    coins_ >>= 1;
    --coins_left_;
    return heads;
  }

  // Uniform in [0, bound), without bias: a multiplication instead of a division, and rejection of
  // what does not come out even (Lemire 2019). `bound` > 0.
  std::uint64_t below(std::uint64_t bound);

 private:
  struct State;
  RandomSource(crypto::Aead aead, crypto::KeyView key);

  void refill();
  std::uint64_t take_word();

  std::unique_ptr<State> state_;
  std::uint64_t* next_ = nullptr;  // the first word that was not handed out
  std::uint64_t words_left_ = 0;
  std::uint64_t coins_ = 0;
  unsigned coins_left_ = 0;
};

inline std::uint64_t RandomSource::take_word() {
  const std::uint64_t value = *next_;
  *next_++ = 0;
  --words_left_;
  return value;
}

}  // namespace fed::privacy
