#include "crypto/chacha20_wide.h"

#include <utility>

#if defined(__x86_64__)

// Vectors of the compiler (g++ and clang++), so that no intrinsics are needed; all is inlined into
// the one function that is compiled for AVX-512.
#define FED_WIDE __attribute__((target("avx512f")))
#define FED_WIDE_INLINE FED_WIDE __attribute__((always_inline)) inline

namespace fed::crypto {
namespace {

typedef std::uint32_t Lanes __attribute__((vector_size(4 * kWideBlocks)));

constexpr int kRows = 16;  // words of a block
constexpr std::uint32_t kConstants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

template <int kBits>
FED_WIDE_INLINE Lanes rotate(Lanes v) {
  return v << kBits | v >> (32 - kBits);
}

// RFC 8439, section 2.1, on sixteen blocks.
FED_WIDE_INLINE void quarter_round(Lanes& a, Lanes& b, Lanes& c, Lanes& d) {
  a += b;
  d = rotate<16>(d ^ a);
  c += d;
  b = rotate<12>(b ^ c);
  a += b;
  d = rotate<8>(d ^ a);
  c += d;
  b = rotate<7>(b ^ c);
}

FED_WIDE_INLINE void double_round(Lanes (&x)[kRows]) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) quarter_round(x[i], x[4 + i], x[8 + i], x[12 + i]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    quarter_round(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4]);
  }
}

// Of two rows that are `kStep` apart: the lanes without the bit kStep of both, then those with it.
template <int kStep, bool kWithBit, int... kLane>
FED_WIDE_INLINE Lanes pick(Lanes a, Lanes b, std::integer_sequence<int, kLane...>) {
  return __builtin_shufflevector(a, b,
                                 ((kLane & kStep) != 0 ? kRows + kLane - (kWithBit ? 0 : kStep)
                                                       : kLane + (kWithBit ? kStep : 0))...);
}

template <int kStep>
FED_WIDE_INLINE void exchange(Lanes (&x)[kRows]) {
  constexpr std::make_integer_sequence<int, kRows> kLanes{};
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
    if ((i & kStep) != 0) continue;
    const Lanes a = x[i], b = x[i + kStep];
    x[i] = pick<kStep, false>(a, b, kLanes);
    x[i + kStep] = pick<kStep, true>(a, b, kLanes);
  }
}

// From word i of block j in lane j of row i to row j, lane i: blocks one after the other.
FED_WIDE_INLINE void transpose(Lanes (&x)[kRows]) {
  exchange<1>(x);
  exchange<2>(x);
  exchange<4>(x);
  exchange<8>(x);
}

// The block counters of a group: 64 bits in words 12 and 13.
FED_WIDE_INLINE void set_counters(Lanes (&x)[kRows], std::uint64_t first) {
  const Lanes lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const auto low = static_cast<std::uint32_t>(first);
  x[12] = lanes + low;
  const Lanes carried = reinterpret_cast<Lanes>(x[12] < low);  // all ones where it overflowed
  x[13] = Lanes{} + static_cast<std::uint32_t>(first >> 32) - carried;
}

}  // namespace

bool has_wide_chacha20() {
  static const bool has = __builtin_cpu_supports("avx512f") != 0;
  return has;
}

FED_WIDE void wide_chacha20(KeyView key, std::uint64_t first_block, std::uint8_t* into,
                            std::size_t groups) {
  Lanes initial[kRows] = {};
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) initial[i] += kConstants[i];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) initial[4 + i] += load_le<std::uint32_t>(key.data() + 4 * i);
  for (std::size_t group = 0; group < groups; ++group) {
    set_counters(initial, first_block + group * kWideBlocks);
    Lanes x[kRows];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) x[i] = initial[i];
    for (int i = 0; i < 10; ++i) double_round(x);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) x[i] += initial[i];
    transpose(x);
    std::memcpy(into + group * sizeof x, x, sizeof x);
  }
}

}  // namespace fed::crypto

#else

namespace fed::crypto {

bool has_wide_chacha20() { return false; }
void wide_chacha20(KeyView, std::uint64_t, std::uint8_t*, std::size_t) { FED_CHECK(false); }

}  // namespace fed::crypto

#endif
