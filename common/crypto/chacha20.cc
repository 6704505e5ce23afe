#include "crypto/chacha20.h"

#include <sodium.h>

#include <cstring>

#include "crypto/init.h"

namespace fed::crypto {

void chacha20_stream(KeyView key, std::uint64_t first_block, ByteSpan into) {
  static constexpr std::uint8_t kNonce[crypto_stream_chacha20_NONCEBYTES] = {};
  init();  // which chooses the implementation that this processor runs fastest
  if (into.empty()) return;
  std::memset(into.data(), 0, into.size());
  crypto_stream_chacha20_xor_ic(into.data(), into.data(), into.size(), kNonce, first_block,
                                key.data());
}

}  // namespace fed::crypto
