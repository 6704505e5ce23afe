// Masks: pseudorandom vectors that hide an input, and cancel or are removed in the sum.
//
// A mask is the ChaCha20 keystream of its key, read as little-endian words of the width of the
// vector (words.h), so that making it costs the keystream and one addition a word. The words of a
// mask are uniform modulo 2^b, since 2^b divides 2^32 and 2^64.
//
// Two neighbours derive one key; the client with the smaller id adds the mask and the other one
// subtracts it. A client's own mask is added, and subtracted by the server from the sum (Bonawitz
// and others 2017, section 4).
//
// Vectors are worked through in blocks that stay in the cache: all masks on one block, then the
// next. Any stretch can be computed by itself, so threads share the work by stretches. Thread-safe.
#pragma once

#include <span>

#include "crypto/secret.h"
#include "secagg/words.h"

namespace fed::secagg {

struct Mask {
  crypto::Wiped<32> key;
  bool negative = false;  // subtracted instead of added
};

// Stretches begin at multiples of this many elements.
inline constexpr std::uint64_t kStretchWords = 8192;

// Adds the elements first, first + 1, ... of each mask to `into`, which holds these elements of
// the vector. `first` is a multiple of kStretchWords. Word: std::uint32_t or std::uint64_t.
template <class Word>
void add_masks(std::span<const Mask> masks, std::uint64_t first, std::span<Word> into);

// The same for a whole vector, shared among the threads of `parallel`.
void add_masks(std::span<const Mask> masks, Words& into, const Parallel& parallel = one_by_one);

}  // namespace fed::secagg
