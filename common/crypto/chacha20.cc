#include "crypto/chacha20.h"

#include <sodium.h>

#include <cstring>

#include "crypto/chacha20_wide.h"
#include "crypto/init.h"

namespace fed::crypto {

void chacha20_stream_by_library(KeyView key, std::uint64_t first_block, ByteSpan into) {
  static constexpr std::uint8_t kNonce[crypto_stream_chacha20_NONCEBYTES] = {};
  init();  // which chooses the implementation that this processor runs fastest
  if (into.empty()) return;
  std::memset(into.data(), 0, into.size());
  crypto_stream_chacha20_xor_ic(into.data(), into.data(), into.size(), kNonce, first_block,
                                key.data());
}

void chacha20_stream(KeyView key, std::uint64_t first_block, ByteSpan into) {
  constexpr std::size_t kGroupBytes = kWideBlocks * kChaCha20BlockBytes;
  if (has_wide_chacha20() && into.size() >= kGroupBytes) {
    const std::size_t groups = into.size() / kGroupBytes;
    wide_chacha20(key, first_block, into.data(), groups);
    first_block += groups * kWideBlocks;
    into = into.subspan(groups * kGroupBytes);
  }
  chacha20_stream_by_library(key, first_block, into);
}

}  // namespace fed::crypto
