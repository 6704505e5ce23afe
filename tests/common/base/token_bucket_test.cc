// Rates that are kept, smoothly.
#include "base/token_bucket.h"

#include <catch2/catch.hpp>
#include <limits>

#include "base/random.h"

namespace fed {
namespace {

const Instant start{};
Instant at(double s) { return start + from_seconds(s); }

TEST_CASE("without a limit everything may move at once") {
  for (TokenBucket bucket : {TokenBucket(), TokenBucket::for_mbit_s(0)}) {
    CHECK_FALSE(bucket.limited());
    CHECK(bucket.available(start) == std::numeric_limits<std::uint64_t>::max());
    bucket.take(std::uint64_t{1} << 60, start);
    CHECK(bucket.available(start) == std::numeric_limits<std::uint64_t>::max());
    CHECK(bucket.ready_at(1000, start) == start);
  }
}

TEST_CASE("a bucket is full at first, and fills at its rate up to its size") {
  TokenBucket bucket(1000, 100);
  CHECK(bucket.limited());
  CHECK(bucket.available(start) == 100);
  CHECK(bucket.available(at(50)) == 100);
  bucket.take(100, at(50));
  CHECK(bucket.available(at(50)) == 0);
  CHECK(bucket.available(at(50.03)) == 30);
  CHECK(bucket.available(at(60)) == 100);
}

TEST_CASE("what could not wait is paid back before anything else moves") {
  TokenBucket bucket(1000, 100);
  bucket.take(1100, start);
  CHECK(bucket.available(start) == 0);
  CHECK(bucket.available(at(1)) == 0);
  CHECK(bucket.available(at(1.05)) == 50);
}

TEST_CASE("ready_at is the first moment at which so much may move") {
  TokenBucket bucket(1000, 100);
  CHECK(bucket.ready_at(100, start) == start);
  bucket.take(100, start);
  for (const std::uint64_t bytes : {1, 7, 50, 100}) {
    const Instant ready = bucket.ready_at(bytes, start);
    CHECK(bucket.available(ready) >= bytes);
    CHECK(bucket.available(ready - from_seconds(0.001)) < bytes);
  }
  CHECK(bucket.ready_at(1000, start) == bucket.ready_at(100, start));  // never more than it holds
  CHECK(bucket.ready_at(0, start) <= at(0.001));
}

TEST_CASE("time that does not move on gives nothing") {
  TokenBucket bucket(1000, 100);
  bucket.take(100, at(5));
  CHECK(bucket.available(at(5)) == 0);
  CHECK(bucket.available(at(4)) == 0);
  bucket.take(0, at(4));
  CHECK(bucket.available(at(5.01)) == 10);
}

// A sender as a connection is one: it sends what it may, then waits until a piece may go.
std::uint64_t sent_until(TokenBucket& bucket, Instant now, Instant end, std::uint64_t piece,
                         double& longest_pause) {
  std::uint64_t sent = 0;
  while (now < end) {
    const std::uint64_t bytes = std::min(piece, bucket.available(now));
    if (bytes < std::min(piece, bucket.burst())) {
      const Instant ready = bucket.ready_at(piece, now);
      longest_pause = std::max(longest_pause, seconds(ready - now));
      REQUIRE(ready > now);
      now = ready;
      continue;
    }
    bucket.take(bytes, now);
    sent += bytes;
  }
  return sent;
}

TEST_CASE(
    "over any stretch of time a rate is neither exceeded nor missed, and the stream is steady") {
  for (const double mbit_s : {0.01, 0.5, 2.0, 100.0, 10000.0}) {
    TokenBucket bucket = TokenBucket::for_mbit_s(mbit_s);
    const double rate = mbit_s * 125000;
    double longest_pause = 0;
    const double stretch = 20;
    const auto sent =
        static_cast<double>(sent_until(bucket, start, at(stretch), bucket.burst(), longest_pause));
    INFO(mbit_s << " Mbit/s, burst " << bucket.burst());
    CHECK(sent <= rate * stretch + 2 * static_cast<double>(bucket.burst()));
    CHECK(sent >= rate * stretch - static_cast<double>(bucket.burst()));
    CHECK(longest_pause <= static_cast<double>(bucket.burst()) / rate + 1e-6);
  }
}

TEST_CASE("the limit holds for pieces and pauses of any kind") {
  Random random(7);
  TokenBucket bucket(1e6, 10000);
  double now = 0, taken = 0;
  for (int i = 0; i < 20000; ++i) {
    now += static_cast<double>(random.below(5000)) * 1e-6;
    const std::uint64_t bytes =
        std::min<std::uint64_t>(random.below(20000), bucket.available(at(now)));
    bucket.take(bytes, at(now));
    taken += static_cast<double>(bytes);
    REQUIRE(taken <= 1e6 * now + 10000 + 1);
  }
  CHECK(taken > 0.9e6 * now);  // it was asked for as much as it gives
}

}  // namespace
}  // namespace fed
