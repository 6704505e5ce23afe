// Numbers from a key: the keystream of ChaCha20 read in order, for what must be the same everywhere
// that knows the key and unpredictable where it is not known (a permutation, the rounding of a
// value).
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>

#include "crypto/chacha20.h"

namespace fed::secagg {

// One reader of one stream, wiped on destruction. Not thread-safe: one object per owner.
class Stream {
 public:
  explicit Stream(crypto::KeyView key) : key_(key) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { crypto::wipe(buffer_); }

  // The next eight bytes, little-endian.
  std::uint64_t next() {
    if (at_ == buffer_.size()) refill();
    const auto value = load_le<std::uint64_t>(buffer_.data() + at_);
    at_ += sizeof value;
    return value;
  }

  // Uniform in [0, bound) without bias: values from the incomplete last multiple of `bound` > 0 are
  // thrown away.
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t surplus = (0 - bound) % bound;  // 2^64 mod bound
    std::uint64_t value = next();
    while (value < surplus) value = next();
    return value % bound;
  }

  // Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  // Up or down by chance, so that the expectation is `exact` (stochastic rounding).
  double round(double exact) {
    const double below = std::floor(exact);
    return uniform() < exact - below ? below + 1 : below;
  }

  // Fisher and Yates: every order is equally likely.
  template <class T>
  void shuffle(std::span<T> values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  void refill() {
    crypto::chacha20_stream(key_.view(), block_, buffer_);
    block_ += buffer_.size() / crypto::kChaCha20BlockBytes;
    at_ = 0;
  }

  crypto::Wiped<32> key_;
  std::uint64_t block_ = 0;
  std::array<std::uint8_t, 4096> buffer_;
  std::size_t at_ = buffer_.size();
};

}  // namespace fed::secagg
