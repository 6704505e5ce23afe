// A steady stream instead of bursts: how many bytes may move now, and when more may.
//
// The token bucket of RFC 2697 with one rate. Tokens (bytes) come in at the rate, up to `burst`;
// what is moved takes them out. What cannot wait (a small message, a ping) may take more than there
// are: the bucket is then in debt, and what can wait pays it back. So over any stretch of t seconds
// at most `rate * t + burst` bytes have moved, and what was taken beyond them cannot be much: only
// small messages.
//
// A value; time is an argument and never goes back. Not thread-safe: one owner.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace fed {

class TokenBucket {
 public:
  // No limit.
  TokenBucket() = default;
  // `bytes_per_second` 0: no limit. `burst` at least 1; the bucket is full at first.
  TokenBucket(double bytes_per_second, std::uint64_t burst);

  // The bucket of a rate in Mbit/s (0: no limit): it bursts for a twentieth of a second, and for at
  // least 4 KiB and at most 256 KiB.
  static TokenBucket for_mbit_s(double mbit_s);

  bool limited() const { return rate_ > 0; }
  std::uint64_t burst() const { return burst_; }

  // How many bytes may move at `now`: 0 in debt; the largest number there is without a limit.
  std::uint64_t available(Instant now) const;

  void take(std::uint64_t bytes, Instant now);

  // When `bytes` (at most `burst` are waited for) may move, if nothing else takes them; `now` if
  // they may already.
  Instant ready_at(std::uint64_t bytes, Instant now) const;

 private:
  double tokens_at(Instant now) const;

  double rate_ = 0;  // bytes a second
  std::uint64_t burst_ = 0;
  double tokens_ = 0;  // at last_
  std::optional<Instant> last_;
};

}  // namespace fed
