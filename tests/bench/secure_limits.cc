#include "secure_limits.h"

#include <algorithm>
#include <array>

#include "crypto/chacha20.h"

namespace fed::bench {
namespace {

constexpr std::uint64_t kBlockBytes = 16 * 1024;
constexpr std::uint64_t kStretchBytes = 2 * kBlockBytes;  // of one task
constexpr std::uint64_t kPaperBytes = 32;                 // of a key, and of a share

}  // namespace

void make_keystream(std::size_t masks, std::uint64_t bytes, const secagg::Parallel& parallel) {
  parallel((bytes + kStretchBytes - 1) / kStretchBytes, [&](std::size_t task) {
    alignas(64) std::array<std::uint8_t, kBlockBytes> stream;
    const std::uint64_t end = std::min((task + 1) * kStretchBytes, bytes);
    for (std::uint64_t at = task * kStretchBytes; at < end; at += kBlockBytes) {
      const ByteSpan block = ByteSpan(stream).first(std::min(kBlockBytes, end - at));
      for (std::size_t mask = 0; mask < masks; ++mask) {
        crypto::Wiped<32> key;
        store_le(key.span().data(), std::uint64_t{mask});
        crypto::chacha20_stream(key.view(), at / crypto::kChaCha20BlockBytes, block);
      }
    }
  });
}

PaperTraffic paper_traffic(std::uint64_t clients, std::uint64_t elements, unsigned bits) {
  const std::uint64_t others = clients - 1;
  return {.up = kPaperBytes * (2 + 2 * others + clients) + (elements * bits + 7) / 8,
          .down = kPaperBytes * (2 * others + 2 * others)};
}

}  // namespace fed::bench
