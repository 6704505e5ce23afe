#include "base/checksum.h"

#include <xxhash.h>

#include <algorithm>

namespace fed {

struct Checksummer::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() { XXH3_128bits_reset(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { XXH3_freeState(xxh); }
};

Checksummer::Checksummer() : state_(std::make_unique<State>()) {}
Checksummer::~Checksummer() = default;
Checksummer::Checksummer(Checksummer&&) noexcept = default;
Checksummer& Checksummer::operator=(Checksummer&&) noexcept = default;

void Checksummer::update(ByteView bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}

Checksum Checksummer::finish() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->xxh));
  Checksum sum;
  std::copy(std::begin(canonical.digest), std::end(canonical.digest), sum.begin());
  return sum;
}

Checksum checksum(ByteView bytes) {
  Checksummer summer;
  summer.update(bytes);
  return summer.finish();
}

}  // namespace fed
