// XXH3-128 of bytes as they pass: finds torn pages and mixed-up files, at memory speed.
//
// Not a cryptographic hash: what a hostile party could gain by a collision is guarded by the
// channel's seal or by crypto::Hash. An update is named by this checksum on its way up, since its
// sender alone could forge it and would gain nothing. Not thread-safe: one object per stream.
#pragma once

#include <array>
#include <memory>

#include "base/bytes.h"

namespace fed {

using Checksum = std::array<std::uint8_t, 16>;  // canonical (big-endian) form

class Checksummer {
 public:
  Checksummer();
  ~Checksummer();
  Checksummer(Checksummer&&) noexcept;
  Checksummer& operator=(Checksummer&&) noexcept;

  void update(ByteView bytes);
  Checksum finish() const;  // of everything so far; more may follow

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Checksum checksum(ByteView bytes);

}  // namespace fed
