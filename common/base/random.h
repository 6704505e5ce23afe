// Repeatable randomness: the same seed gives the same stream on every machine and compiler.
//
// For shuffling, initial weights, selection and simulation; never for keys (see crypto/random.h).
// The generator is std::mt19937_64, whose sequence the C++ standard fixes; the distributions are
// ours, since the standard's differ between libraries. Not thread-safe: one object per owner.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>
#include <string_view>
#include <utility>

namespace fed {

// Mixes numbers into one seed, so that (job seed, round, client) give independent streams. Order
// matters.
std::uint64_t mix_seed(std::initializer_list<std::uint64_t> parts);

// A stable 64-bit number for a name (FNV-1a), to be mixed into a seed.
std::uint64_t seed_of(std::string_view name);

class Random {
 public:
  explicit Random(std::uint64_t seed) : generator_(seed) {}

  std::uint64_t next() { return generator_(); }

  // Uniform in [0, bound), without bias (rejection). `bound` > 0.
  std::uint64_t below(std::uint64_t bound);

  // Uniform in [0, 1), a multiple of 2^-53.
  double uniform();

  // Standard normal (Box and Muller 1958).
  double normal();

  // Gamma with this shape > 0 and scale 1 (Marsaglia and Tsang 2000).
  double gamma(double shape);

  // Fisher-Yates.
  template <class T>
  void shuffle(std::span<T> values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::mt19937_64 generator_;
};

}  // namespace fed
