// Vectors of numbers modulo 2^b, as the processor adds them fastest.
//
// An element is a 32-bit word where b <= 32, else a 64-bit word, and overflows freely: 2^b divides
// 2^32 (2^64), so only the low b bits count, and they are cut out when a vector is packed or
// decoded. Nothing is reduced in between.
#pragma once

#include <cstdint>
#include <functional>
#include <variant>
#include <vector>

namespace fed::secagg {

using Words = std::variant<std::vector<std::uint32_t>, std::vector<std::uint64_t>>;

inline bool is_narrow(unsigned modulus_bits) { return modulus_bits <= 32; }

// `length` zeros of the width that `modulus_bits` asks for.
inline Words zero_words(unsigned modulus_bits, std::uint64_t length) {
  if (is_narrow(modulus_bits)) return std::vector<std::uint32_t>(length);
  return std::vector<std::uint64_t>(length);
}

inline std::uint64_t length_of(const Words& words) {
  return std::visit([](const auto& values) -> std::uint64_t { return values.size(); }, words);
}

// The low `modulus_bits` (1 to 64) of a word.
inline std::uint64_t modulus_mask(unsigned modulus_bits) {
  return ~std::uint64_t{0} >> (64 - modulus_bits);
}

// Runs task(0) ... task(tasks - 1), in any order and on any threads, and returns when all are done.
using Parallel =
    std::function<void(std::size_t tasks, const std::function<void(std::size_t)>& task)>;

// The one that has no threads.
inline void one_by_one(std::size_t tasks, const std::function<void(std::size_t)>& task) {
  for (std::size_t i = 0; i < tasks; ++i) task(i);
}

}  // namespace fed::secagg
