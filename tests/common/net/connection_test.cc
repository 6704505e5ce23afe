#include "net/connection.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "loopback.h"
#include "net/unsent.h"

namespace fed::net {
namespace {

using testing::Pair;

std::shared_ptr<const File> file_of(const Bytes& content, const char* name) {
  const fs::path path = fs::temp_directory_path() / name;
  REQUIRE(replace_file(path, content, Durability::process).has_value());
  auto file = File::open_to_read(path);
  REQUIRE(file.has_value());
  REQUIRE(remove_file(path).has_value());
  return std::make_shared<const File>(std::move(*file));
}

Bytes noise(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t state = 1;
  for (auto& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

TEST_CASE("messages arrive in order, and the end is orderly on both sides") {
  Pair pair;
  for (int i = 0; i < 100; ++i) pair.client->send(wire::TaskRefused{"job", i, "no"});
  pair.client->finish();
  pair.run();
  REQUIRE(pair.server_ear->messages.size() == 100);
  for (int i = 0; i < 100; ++i) {
    CHECK(
        std::get<wire::TaskRefused>(pair.server_ear->messages[static_cast<std::size_t>(i)]).task ==
        i);
  }
  CHECK(pair.server_ear->closed->code == ErrorCode::closed);
  CHECK(pair.client_ear->closed->code == ErrorCode::closed);
}

TEST_CASE("a message larger than a record is put together again") {
  Pair pair({.message_bytes_max = wire::kFromServerBytesMax}, {});
  const std::string spec(300'000, 's');
  pair.server->send(wire::JobOffer{"job", spec});
  pair.server->finish();
  pair.run();
  REQUIRE(pair.client_ear->messages.size() == 1);
  CHECK(std::get<wire::JobOffer>(pair.client_ear->messages[0]).spec == spec);
}

TEST_CASE("an upload arrives whole from any offset, with messages in between") {
  const Bytes content = noise(3'000'001);
  const std::uint64_t offset =
      GENERATE(std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2'999'999});
  Pair pair;
  pair.server_ear->next_offset = offset;
  pair.client->send_bulk(
      ChunkUpload{file_of(content, "fed_net_upload"), 7, offset, content.size()});
  bool asked = false;
  pair.server_ear->after_event = [&] {
    if (!std::exchange(asked, true)) pair.client->send(wire::Bye{"between", true});
    if (pair.server_ear->next_offset == content.size() && !pair.server_ear->messages.empty()) {
      pair.server->finish();
    }
  };
  pair.run();
  CHECK(pair.server_ear->chunks ==
        Bytes(content.begin() + static_cast<std::ptrdiff_t>(offset), content.end()));
  CHECK(pair.client_ear->bulks_sent == 1);
}

TEST_CASE("sealed stretches arrive byte for byte, with messages in between") {
  const Bytes content = noise(9'000'003);  // three stretches
  Pair pair;
  pair.server->send_bulk(SealedDownload{file_of(content, "fed_net_download"), 0, content.size()});
  bool asked = false;
  pair.client_ear->after_event = [&] {
    if (!std::exchange(asked, true)) pair.server->send(wire::Bye{"between", true});
    if (pair.client_ear->sealed.size() == content.size() && !pair.client_ear->messages.empty()) {
      pair.client->finish();
    }
  };
  pair.run();
  CHECK(pair.client_ear->sealed == content);
  CHECK(pair.client_ear->messages.size() == 1);
}

TEST_CASE("a bulk that is stopped leaves the connection in order") {
  const Bytes content = noise(20'000'000);
  Pair pair;
  pair.client->send_bulk(ChunkUpload{file_of(content, "fed_net_stopped"), 7, 0, content.size()});
  bool stopped = false;
  pair.server_ear->after_event = [&] {
    if (std::exchange(stopped, true)) return;
    pair.client->send_bulk(std::monostate());
    pair.client->send(wire::Bye{"done", true});
    pair.client->finish();
  };
  pair.run();
  CHECK(pair.server_ear->messages.size() == 1);
  CHECK(pair.server_ear->chunks.size() < content.size());
}

TEST_CASE("a socket holds little that its peer has not asked for, so that writing tells progress") {
  asio::io_context io{1};
  auto sockets = testing::socket_pair(io);
  const int descriptor = sockets.first.native_handle();
  const auto client = std::make_shared<Connection>(
      std::move(sockets.first), testing::transports().first, Connection::Limits());
  client->start(std::make_shared<testing::Recorder>());
  client->send_bulk(ChunkUpload{file_of(noise(16'000'000), "fed_net_unsent"), 7, 0, 16'000'000});
  while (io.poll() > 0) continue;  // the peer does not read
  int unsent = 0;
  REQUIRE(::ioctl(descriptor, SIOCOUTQNSD, &unsent) == 0);
  CHECK(unsent > 0);
  CHECK(static_cast<std::size_t>(unsent) < 2 * kUnsentBytesMax);
  client->abort(Error{ErrorCode::closed, "enough"});
  io.run();
}

TEST_CASE("a file that is too short ends the connection, not the program") {
  Pair pair;
  SECTION("up") {
    pair.client->send_bulk(ChunkUpload{file_of(noise(10), "fed_net_short"), 7, 0, 100});
  }
  SECTION("down") {
    pair.server->send_bulk(SealedDownload{file_of(noise(10), "fed_net_short"), 0, 100});
  }
  pair.run();
  CHECK(pair.client_ear->closed.has_value());
  CHECK(pair.server_ear->closed.has_value());
}

TEST_CASE("a handler's refusal is told to the peer") {
  Pair pair;
  pair.server_ear->verdict = Error{ErrorCode::malformed, "not now"};
  pair.client->send(wire::Hello{});
  pair.run();
  REQUIRE(pair.client_ear->messages.size() == 1);
  const auto& bye = std::get<wire::Bye>(pair.client_ear->messages[0]);
  CHECK(bye.detail == "not now");
}

TEST_CASE("a message beyond the limit ends the connection") {
  Pair pair({}, {.message_bytes_max = 1000});
  pair.client->send(wire::JobOffer{"job", std::string(2000, 'x')});
  pair.run();
  CHECK(pair.server_ear->messages.empty());
  CHECK(pair.server_ear->closed.has_value());
}

TEST_CASE("a silent connection is closed and pings keep one alive") {
  const Duration idle = std::chrono::milliseconds(80);
  SECTION("without pings") {
    Pair pair({.idle = idle});
    pair.run();
    CHECK_THAT(pair.client_ear->closed->detail + pair.server_ear->closed->detail,
               Catch::Contains("no byte"));
  }
  SECTION("a limit that is learned later holds at once") {
    Pair pair({.pings = true}, {.idle = idle});  // by itself it would ping every thirty seconds
    asio::post(pair.io, [&] { pair.client->set_idle(idle); });
    asio::steady_timer later(pair.io, 5 * idle);
    bool alive = false;
    later.async_wait([&](const boost::system::error_code&) {
      alive = pair.client->is_open() && pair.server->is_open();
      pair.client->finish();
    });
    pair.run();
    CHECK(alive);
  }
  SECTION("with pings it outlives several idle times") {
    Pair pair({.idle = idle, .pings = true}, {.idle = idle});
    asio::steady_timer later(pair.io, 5 * idle);
    bool alive = false;
    later.async_wait([&](const boost::system::error_code&) {
      alive = pair.client->is_open() && pair.server->is_open();
      pair.client->finish();
    });
    pair.run();
    CHECK(alive);
  }
}

TEST_CASE("bytes that are not records end the connection") {
  asio::io_context io(1);
  auto sockets = testing::socket_pair(io);
  auto ends = testing::transports();
  const auto ear = std::make_shared<testing::Recorder>();
  const auto server = std::make_shared<Connection>(std::move(sockets.second),
                                                   std::move(ends.second), Connection::Limits{});
  server->start(ear);
  const Bytes garbage = noise(1000);
  sockets.first.send(asio::buffer(garbage));
  sockets.first.shutdown(Socket::shutdown_send);
  io.run();
  CHECK(ear->closed.has_value());
  CHECK(ear->messages.empty());
}

TEST_CASE("a stream that is cut is told from one that has ended") {
  asio::io_context io(1);
  auto sockets = testing::socket_pair(io);
  auto ends = testing::transports();
  const auto ear = std::make_shared<testing::Recorder>();
  const auto server = std::make_shared<Connection>(std::move(sockets.second),
                                                   std::move(ends.second), Connection::Limits{});
  server->start(ear);
  sockets.first.close();
  io.run();
  CHECK_THAT(ear->closed->detail, Catch::Contains("lost"));
}

}  // namespace
}  // namespace fed::net
