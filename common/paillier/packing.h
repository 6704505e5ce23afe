// Several small signed integers in one plaintext, so that one addition of ciphertexts adds them
// all.
//
// A coordinate x has b bits: -2^(b-1) <= x < 2^(b-1). It is stored as x + 2^(b-1), which is 0 to
// 2^b - 1, in a field of w = b + g bits, where the g guard bits are the fewest with 2^g >= N, the
// most summands there may be. Field i begins at bit i w of the plaintext.
//
// Why a sum is exact: m <= N summands put at most m (2^b - 1) < 2^g 2^b = 2^w in a field, so no
// field carries into the next one, and field i of the sum holds the sum of the x plus m 2^(b-1).
// And the fields that fit into 3,071 bits keep the sum below 2^3071 <= n, so nothing is reduced
// modulo n. unpack takes m 2^(b-1) off again; it must be told the m that were really added.
//
// The values of one ciphertext are added up field by field, whoever made them: a summand of
// somebody who does not pack by these rules can spoil every field. unpack finds that only where a
// field is larger than m summands can make it, or bits are set beyond the last field.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "paillier/plaintext.h"

namespace fed::paillier {

// How coordinates lie in a plaintext; all who add must use the same. A value; reads are safe from
// any thread.
class Layout {
 public:
  static constexpr unsigned kBitsMin = 2;
  static constexpr unsigned kBitsMax = 62;
  static constexpr unsigned kFieldBitsMax = 63;  // with the guard bits
  static constexpr std::uint32_t kSummandsMax = 1U << 20;

  // `bits` of a coordinate with its sign, 2 to 62; at most `summands_max` plaintexts are added, 1
  // to 2^20. ErrorCode::invalid outside of these, or for a field of more than 63 bits.
  static Result<Layout> make(unsigned bits, std::uint32_t summands_max);

  unsigned bits() const { return bits_; }
  std::uint32_t summands_max() const { return summands_max_; }
  unsigned field_bits() const { return field_bits_; }

  // Coordinates in a plaintext, and plaintexts for `coordinates`.
  std::size_t capacity() const { return (kModulusBits - 1) / field_bits_; }
  std::size_t plaintexts(std::size_t coordinates) const {
    return (coordinates + capacity() - 1) / capacity();
  }

  // The least and the greatest coordinate.
  std::int64_t least() const { return -(std::int64_t{1} << (bits_ - 1)); }
  std::int64_t greatest() const { return -least() - 1; }

  // The values in a plaintext; fields beyond them are 0. ErrorCode::too_large for more than
  // capacity(), invalid for a value that `bits` cannot hold (which one is not said: it is secret).
  Result<Plaintext> pack(std::span<const std::int64_t> values) const;

  // The `count` sums of exactly `summands` plaintexts, each packed from `count` values. Errors:
  // too_large for more than capacity(); invalid for no summands or more than summands_max;
  // malformed where these summands cannot have made this sum.
  Result<std::vector<std::int64_t>> unpack(const Plaintext& sum, std::size_t count,
                                           std::uint32_t summands) const;

  bool operator==(const Layout&) const = default;

 private:
  Layout(unsigned bits, std::uint32_t summands_max);

  unsigned bits_;
  std::uint32_t summands_max_;
  unsigned field_bits_;
};

}  // namespace fed::paillier
