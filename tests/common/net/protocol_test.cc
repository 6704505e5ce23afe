// The protocol without a socket: two of them, with the test between them as the network.
#include "net/protocol.h"

#include <catch2/catch.hpp>

#include "loopback.h"

namespace fed::net {
namespace {

using testing::Recorder;

constexpr Duration kIdle = std::chrono::seconds(80);

struct Two {
  explicit Two(Limits limits = {.idle = kIdle, .pings = true})
      : Two(testing::transports(), limits) {}
  Two(std::pair<channel::Transport, channel::Transport> ends, Limits limits)
      : client(std::move(ends.first), limits, now), server(std::move(ends.second), {}, now) {}

  // All that the client has to say is written; it reaches the server or not.
  void client_says(bool arrives) {
    Output output;
    while (client.next(output, now)) {
      client.wrote(output, now);
      client.sent(output, now, client_ear);
      if (arrives) pass(output.records, server, server_ear);
    }
  }
  void server_says() {
    Output output;
    while (server.next(output, now)) {
      server.sent(output, now, server_ear);
      pass(output.records, client, client_ear);
    }
  }
  void pass(ByteView bytes, Protocol& to, Recorder& ear) {
    while (!bytes.empty() && !to.closed()) {
      const ByteSpan room = to.room();
      REQUIRE_FALSE(room.empty());
      const std::size_t count = std::min(room.size(), bytes.size());
      std::copy_n(bytes.begin(), count, room.begin());
      to.received(count, now, ear);
      bytes = bytes.subspan(count);
    }
  }

  Instant now = Instant() + std::chrono::hours(1);
  Recorder client_ear, server_ear;
  Protocol client, server;
};

TEST_CASE("a peer that has gone without a word is missed, though the socket takes all pings") {
  Two two;
  const Instant begin = two.now;
  while (!two.client.closed() && two.now < begin + 10 * kIdle) {
    two.now += kIdle / 8;
    two.client.check_progress(two.now);
    two.client_says(false);
  }
  REQUIRE(two.client.closed());
  CHECK_THAT(two.client.closed()->detail, Catch::Contains("no byte"));
  CHECK(two.now - begin <= kIdle + kIdle / 4);
}

TEST_CASE("a client that talks all the time and is not answered asks whether the peer is there") {
  Two two;
  for (int i = 0; i < 200; ++i) {
    two.now += kIdle / 16;
    two.client.send(wire::Progress{"job", 1, wire::Phase::training, 1, 2});
    two.client.check_progress(two.now);
    two.client_says(true);
    two.server_says();
    REQUIRE_FALSE(two.client.closed());
  }
  CHECK(two.server_ear.messages.size() == 200);
}

TEST_CASE("after its last word a session reads on without listening, and ends when that is sent") {
  Two two;
  two.server.finish();
  const Bytes chatter(3'000'000, 7);  // more than the buffer holds, and no records
  two.pass(chatter, two.server, two.server_ear);
  CHECK_FALSE(two.server.closed());
  two.server.check_progress(two.now + from_seconds(121));  // talking on keeps nothing alive
  CHECK(two.server.closed());
}

TEST_CASE("a session that is finished closes once everything is written") {
  Two two;
  two.server.send(wire::Bye{"enough", true});
  two.server.finish();
  two.server_says();
  CHECK(two.server.closed()->code == ErrorCode::closed);
  CHECK(two.client.closed()->detail == "the peer ended the session");
  CHECK(two.client_ear.messages.size() == 1);
}

TEST_CASE("a peer that does not read is closed when too much waits for it") {
  Two two({.idle = kIdle, .queue_bytes_max = 10'000});
  for (int i = 0; i < 100 && !two.client.closed(); ++i) {
    CHECK(two.client.bytes_waiting() <= 10'000);
    two.client.send(wire::TaskRefused{"job", i, std::string(1000, 'x')});
  }
  REQUIRE(two.client.closed());
  CHECK(two.client.closed()->code == ErrorCode::too_large);
}

TEST_CASE("what is being written stays as it is while something else is queued") {
  Two two;
  const fs::path path = fs::temp_directory_path() / "fed_net_protocol";
  REQUIRE(replace_file(path, Bytes(6 * kChunkDataMax, 5), Durability::process).has_value());
  auto file = File::open_to_read(path);
  REQUIRE(file.has_value());
  REQUIRE(remove_file(path).has_value());
  two.client.send_bulk(
      ChunkUpload{std::make_shared<File>(std::move(*file)), 7, 0, 6 * kChunkDataMax});
  Output output;
  REQUIRE(two.client.next(output, two.now));
  const Bytes before = copy(output.records);
  two.client.send(wire::Bye{"in between", true});
  two.client.send_bulk(std::monostate());
  two.client.sent(output, two.now, two.client_ear);
  CHECK(copy(output.records) == before);
  two.pass(output.records, two.server, two.server_ear);
  two.client_says(true);
  CHECK(two.server_ear.chunks == Bytes(4 * kChunkDataMax, 5));
  CHECK(two.server_ear.messages.size() == 1);
}

TEST_CASE("a mistake of the peer ends the session after telling it") {
  Two two;
  two.server_ear.verdict = Error{ErrorCode::malformed, "not that"};
  two.client.send(wire::TaskRefused{"job", 1, "no"});
  two.client_says(true);
  two.server_says();
  REQUIRE(two.client_ear.messages.size() == 1);
  CHECK(std::get<wire::Bye>(two.client_ear.messages[0]).detail == "not that");
  CHECK(two.server.closed());
}

}  // namespace
}  // namespace fed::net
