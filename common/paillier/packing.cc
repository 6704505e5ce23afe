#include "paillier/packing.h"

#include <bit>

namespace fed::paillier {
namespace {

// `width` < 64 bits of `words` from bit `at` on; bits beyond the last word are 0.
std::uint64_t get_bits(LimbView words, std::size_t at, unsigned width) {
  const std::size_t word = at / kLimbBits;
  const std::size_t shift = at % kLimbBits;
  std::uint64_t value = words[word] >> shift;
  if (shift + width > kLimbBits && word + 1 < words.size()) {
    value |= words[word + 1] << (kLimbBits - shift);
  }
  return value & ((std::uint64_t{1} << width) - 1);
}

// Sets bits that are 0 so far to `value`, which fits into `width` bits and into the words.
void put_bits(LimbSpan words, std::size_t at, unsigned width, std::uint64_t value) {
  const std::size_t word = at / kLimbBits;
  const std::size_t shift = at % kLimbBits;
  words[word] |= value << shift;
  if (shift + width > kLimbBits) words[word + 1] |= value >> (kLimbBits - shift);
}

// Whether a bit from `first` on is set.
bool any_bit_from(LimbView words, std::size_t first) {
  std::uint64_t any = 0;
  for (std::size_t at = first; at < kModulusBits;) {
    const std::size_t width = std::min<std::size_t>(kModulusBits - at, kLimbBits - 1);
    any |= get_bits(words, at, static_cast<unsigned>(width));
    at += width;
  }
  return any != 0;
}

}  // namespace

Layout::Layout(unsigned bits, std::uint32_t summands_max)
    : bits_(bits),
      summands_max_(summands_max),
      field_bits_(bits + static_cast<unsigned>(std::bit_width(summands_max - 1))) {}

Result<Layout> Layout::make(unsigned bits, std::uint32_t summands_max) {
  if (bits < kBitsMin || bits > kBitsMax) {
    return Error{ErrorCode::invalid,
                 "a packed coordinate has 2 to 62 bits, not " + std::to_string(bits)};
  }
  if (summands_max < 1 || summands_max > kSummandsMax) {
    return Error{ErrorCode::invalid, "a packed sum has room for 1 to 1,048,576 summands, not " +
                                         std::to_string(summands_max)};
  }
  const Layout layout(bits, summands_max);
  if (layout.field_bits() <= kFieldBitsMax) return layout;
  return Error{ErrorCode::invalid, "sums of " + std::to_string(summands_max) +
                                       " packed coordinates of " + std::to_string(bits) +
                                       " bits have more than 63 bits"};
}

Result<Plaintext> Layout::pack(std::span<const std::int64_t> values) const {
  if (values.size() > capacity()) {
    return Error{ErrorCode::too_large, std::to_string(values.size()) + " coordinates, but only " +
                                           std::to_string(capacity()) + " fit into a plaintext"};
  }
  Plaintext plaintext;
  std::size_t at = 0;
  for (const std::int64_t value : values) {
    if (value < least() || value > greatest()) {
      return Error{ErrorCode::invalid,
                   "a coordinate does not fit into " + std::to_string(bits_) + " bits"};
    }
    put_bits(plaintext.span(), at, field_bits_, static_cast<std::uint64_t>(value - least()));
    at += field_bits_;
  }
  return plaintext;
}

Result<std::vector<std::int64_t>> Layout::unpack(const Plaintext& sum, std::size_t count,
                                                 std::uint32_t summands) const {
  if (count > capacity()) {
    return Error{ErrorCode::too_large, std::to_string(count) + " coordinates, but only " +
                                           std::to_string(capacity()) + " fit into a plaintext"};
  }
  if (summands < 1 || summands > summands_max_) {
    return Error{ErrorCode::invalid, std::to_string(summands) +
                                         " summands, but the guard bits are for 1 to " +
                                         std::to_string(summands_max_)};
  }
  const Error impossible{ErrorCode::malformed,
                         "the decrypted sum is none of " + std::to_string(summands) +
                             " packed updates: one of them was packed differently, or the number "
                             "of summands or the key is another"};
  if (any_bit_from(sum.view(), count * field_bits_)) return impossible;
  const std::uint64_t field_max = summands * ((std::uint64_t{1} << bits_) - 1);
  std::vector<std::int64_t> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t field = get_bits(sum.view(), i * field_bits_, field_bits_);
    if (field > field_max) return impossible;
    values[i] = static_cast<std::int64_t>(field) + summands * least();
  }
  return values;
}

}  // namespace fed::paillier
