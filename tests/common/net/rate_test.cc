// Rates of a session: kept at every moment, without holding up messages.
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "loopback.h"

namespace fed::net {
namespace {

using testing::Recorder;

const Instant start{};
constexpr double kBytesPerMbit = 125000;
constexpr double kRecordOverhead = 1.01;  // a chunk's header, its record's length and seal

std::shared_ptr<const File> zeros(std::size_t size) {
  const fs::path path = fs::temp_directory_path() / ("fed_net_rate." + std::to_string(::getpid()));
  REQUIRE(replace_file(path, Bytes(size), Durability::process).has_value());
  auto file = File::open_to_read(path);
  REQUIRE(file.has_value());
  fs::remove(path);  // the file lives as long as it is open
  return std::make_shared<const File>(std::move(*file));
}

// A sender and a receiver without a line between them: what the one has to write, the other has
// read.
struct Ends {
  explicit Ends(Limits sends, Limits receives = {})
      : both(testing::transports()),
        sender(std::move(both.first), sends, start),
        receiver(std::move(both.second), receives, start) {}

  void deliver(const Output& output, Instant now) {
    ByteView rest = output.records;
    while (!rest.empty()) {
      const ByteSpan room = receiver.room();
      const std::size_t some = std::min(room.size(), rest.size());
      std::copy_n(rest.begin(), some, room.begin());
      receiver.received(some, now, ear);
      rest = rest.subspan(some);
    }
  }

  std::pair<channel::Transport, channel::Transport> both;
  Protocol sender, receiver;
  Recorder ear, sender_ear;
};

TEST_CASE("an upload keeps its rate at every moment, and uses it") {
  const double mbit_s = GENERATE(0.05, 2.0, 300.0);
  const std::size_t bytes = mbit_s < 1 ? 30'000 : 1'000'000;
  Ends ends({.send_mbit_s_max = mbit_s});
  ends.sender.send_bulk(ChunkUpload{zeros(bytes), 7, 0, bytes});
  const double rate = mbit_s * kBytesPerMbit;
  const auto burst = static_cast<double>(TokenBucket::for_mbit_s(mbit_s).burst());
  Instant now = start;
  double sent = 0;
  Output output;
  while (ends.ear.next_offset < bytes) {
    if (!ends.sender.next(output, now)) {
      REQUIRE(ends.sender.next_at().has_value());
      REQUIRE(*ends.sender.next_at() > now);
      now = *ends.sender.next_at();
      continue;
    }
    sent += static_cast<double>(output.records.size());
    REQUIRE(sent <= rate * seconds(now - start) + 2 * burst);
    ends.deliver(output, now);
    ends.sender.sent(output, now, ends.sender_ear);
  }
  CHECK(ends.sender_ear.bulks_sent == 1);
  CHECK(seconds(now - start) <= kRecordOverhead * static_cast<double>(bytes) / rate);
}

TEST_CASE("messages do not wait for the rate, and bulk pays for them") {
  Ends ends({.send_mbit_s_max = 1});
  ends.sender.send_bulk(ChunkUpload{zeros(100'000), 7, 0, 100'000});
  Output output;
  while (ends.sender.next(output, start)) ends.deliver(output, start);
  const Instant bulk_at = *ends.sender.next_at();
  for (int i = 0; i < 100; ++i) {
    ends.sender.send(wire::TaskRefused{"job", i, std::string(900, 'x')});
    REQUIRE(ends.sender.next(output, start));
    ends.deliver(output, start);
  }
  CHECK(ends.ear.messages.size() == 100);
  CHECK_FALSE(ends.sender.next(output, start));
  CHECK(seconds(*ends.sender.next_at() - bulk_at) > 90'000 / kBytesPerMbit);
}

TEST_CASE("no bulk, or no rate: nothing waits") {
  Ends idle({.send_mbit_s_max = 1});
  Output output;
  CHECK_FALSE(idle.sender.next(output, start));
  CHECK_FALSE(idle.sender.next_at().has_value());
  Ends fast(Limits{});
  fast.sender.send_bulk(ChunkUpload{zeros(5'000'000), 7, 0, 5'000'000});
  while (fast.sender.next(output, start)) fast.deliver(output, start);
  CHECK(fast.ear.next_offset == 5'000'000);
  CHECK(fast.receiver.receivable(start) > 1'000'000'000);
}

TEST_CASE("what is received keeps its rate") {
  Ends ends({}, {.receive_mbit_s_max = 8});
  const double rate = 8 * kBytesPerMbit;
  const auto burst = static_cast<double>(TokenBucket::for_mbit_s(8).burst());
  ends.sender.send_bulk(ChunkUpload{zeros(2'000'000), 7, 0, 2'000'000});
  Bytes line;  // what the peer has sent at once
  for (Output output; ends.sender.next(output, start);) append(line, output.records);
  Instant now = start;
  std::size_t read = 0;
  while (read < line.size()) {
    const std::size_t most = ends.receiver.receivable(now);
    if (most == 0) {
      REQUIRE(ends.receiver.receivable_at(now) > now);
      now = ends.receiver.receivable_at(now);
      REQUIRE(ends.receiver.receivable(now) > 0);
      continue;
    }
    const ByteSpan room = ends.receiver.room();
    const std::size_t some = std::min({room.size(), most, line.size() - read});
    std::copy_n(line.begin() + static_cast<std::ptrdiff_t>(read), some, room.begin());
    ends.receiver.received(some, now, ends.ear);
    read += some;
    REQUIRE(static_cast<double>(read) <= rate * seconds(now - start) + burst + 1);
  }
  CHECK(ends.ear.next_offset == 2'000'000);
  CHECK(seconds(now - start) <= static_cast<double>(line.size()) / rate);
}

TEST_CASE("two connections: no faster than the limit, whoever has it") {
  constexpr double kMbit = 16;
  constexpr std::size_t kBytes = 600'000;
  const bool sender_has_it = GENERATE(true, false);
  testing::Pair pair({.send_mbit_s_max = sender_has_it ? kMbit : 0},
                     {.receive_mbit_s_max = sender_has_it ? 0 : kMbit});
  pair.client->send_bulk(ChunkUpload{zeros(kBytes), 7, 0, kBytes});
  pair.server_ear->after_event = [&] {
    if (pair.server_ear->next_offset == kBytes) pair.server->finish();
  };
  const Instant began = now();
  pair.run();
  const double burst = 2.0 * static_cast<double>(TokenBucket::for_mbit_s(kMbit).burst());
  CHECK(pair.server_ear->next_offset == kBytes);
  CHECK(seconds(now() - began) >= (kBytes - burst) / (kMbit * kBytesPerMbit));
}

}  // namespace
}  // namespace fed::net
