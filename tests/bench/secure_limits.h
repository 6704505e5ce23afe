// What the figures of secure sums are compared with: the bare keystream of their masks, and the
// bytes that the paper counts. Free functions, thread-safe.
#pragma once

#include <cstdint>

#include "secagg/words.h"

namespace fed::bench {

// Makes the ChaCha20 keystream of `masks` vectors of `bytes` each, with libsodium, and throws it
// away: block by block as masks are made, so that it stays in the first-level cache, shared among
// the threads of `parallel`.
void make_keystream(std::size_t masks, std::uint64_t bytes,
                    const secagg::Parallel& parallel = secagg::one_by_one);

// Bonawitz and others (2017), section 7.1, "Communication" of a client: of n clients each sends two
// public keys and receives those of the others, sends and receives two shares for each other
// client, sends its vector of m elements of b bits, and n shares in the end; 2 n a_K + (5 n - 4)
// a_S
// + m b bits in all. Keys (a_K) and shares (a_S) have 256 bits. Not counted there are ids, tags of
// authenticated encryption, signatures (of the variant against a server that lies) and
// commitments.
struct PaperTraffic {
  std::uint64_t up = 0, down = 0;  // bytes
  std::uint64_t total() const { return up + down; }
};
PaperTraffic paper_traffic(std::uint64_t clients, std::uint64_t elements, unsigned bits);

}  // namespace fed::bench
