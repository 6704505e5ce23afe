#include "secagg/packing.h"

#include <algorithm>
#include <array>

namespace fed::secagg {
namespace {

// The element that begins at `bit`; nine bytes from its first one are readable.
std::uint64_t extract(const std::uint8_t* from, std::uint64_t bit, unsigned bits) {
  const std::uint8_t* at = from + bit / 8;
  const unsigned shift = bit % 8;
  std::uint64_t value = load_le<std::uint64_t>(at) >> shift;
  if (shift + bits > 64) value |= std::uint64_t{at[8]} << (64 - shift);
  return value & modulus_mask(bits);
}

template <class Word>
void add_range(const std::uint8_t* from, unsigned bits, std::uint64_t first_bit,
               std::span<Word> into) {
  for (std::size_t i = 0; i < into.size(); ++i) {
    into[i] = static_cast<Word>(into[i] + extract(from, first_bit + i * bits, bits));
  }
}

}  // namespace

std::uint64_t packed_bytes(unsigned modulus_bits, std::uint64_t length) {
  return (length * modulus_bits + 7) / 8;
}

Bytes pack(const Words& words, unsigned modulus_bits) {
  Bytes packed(packed_bytes(modulus_bits, length_of(words)));
  const std::uint64_t low = modulus_mask(modulus_bits);
  std::visit(
      [&](const auto& values) {
        std::uint64_t pending = 0;  // bits that are not written yet
        unsigned filled = 0;        // how many; below 8 after each element, so no bit gets lost
        std::size_t at = 0;
        for (const std::uint64_t word : values) {
          std::uint64_t value = word & low;
          unsigned left = modulus_bits;
          // The first bits complete a byte that another element began.
          pending |= value << filled;
          const unsigned taken = std::min(left, 64 - filled);
          filled += taken;
          left -= taken;
          while (filled >= 8) {
            packed[at++] = static_cast<std::uint8_t>(pending);
            pending >>= 8;
            filled -= 8;
          }
          if (left == 0) continue;
          pending |= (value >> taken) << filled;
          filled += left;
        }
        if (filled > 0) packed[at] = static_cast<std::uint8_t>(pending);
      },
      words);
  return packed;
}

Status check_packed(ByteView packed, unsigned modulus_bits, std::uint64_t length) {
  if (packed.size() != packed_bytes(modulus_bits, length)) {
    return Error{ErrorCode::malformed, "a masked vector has another size than was agreed"};
  }
  const unsigned used = length * modulus_bits % 8;
  if (used != 0 && packed.back() >> used != 0) {
    return Error{ErrorCode::malformed, "there are bits after the last element of a masked vector"};
  }
  return {};
}

void add_packed(ByteView packed, unsigned modulus_bits, Words& into) {
  std::visit(
      [&](auto& values) {
        const std::span all(values);
        // The last elements are read from a copy with zeros behind, since a read takes nine bytes.
        const std::size_t tail = std::min<std::size_t>(all.size(), 72 / modulus_bits + 1);
        const std::size_t body = all.size() - tail;
        add_range(packed.data(), modulus_bits, 0, all.first(body));
        const std::uint64_t bit = std::uint64_t{body} * modulus_bits;
        std::array<std::uint8_t, 64> padded{};
        const ByteView rest = packed.subspan(bit / 8);
        FED_CHECK(rest.size() + 9 <= padded.size());
        std::copy(rest.begin(), rest.end(), padded.begin());
        add_range(padded.data(), modulus_bits, bit % 8, all.subspan(body));
      },
      into);
}

}  // namespace fed::secagg
