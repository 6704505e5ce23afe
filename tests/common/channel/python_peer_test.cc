// The channel against an independent implementation: noise_peer.py (dissononce) connects to a small
// blocking server here.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "channel/record_reader.h"
#include "channel_testing.h"

extern char** environ;

namespace fed::channel {
namespace {

constexpr int kPatienceMs = 60'000;  // only a broken peer lets this pass

bool readable(int descriptor) {
  pollfd waiting{descriptor, POLLIN, 0};
  return ::poll(&waiting, 1, kPatienceMs) == 1;
}

File listen_on_loopback(std::string& address) {
  File listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "listener");
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  auto* generic = reinterpret_cast<sockaddr*>(&name);
  REQUIRE(::bind(listener.descriptor(), generic, size) == 0);
  REQUIRE(::listen(listener.descriptor(), 1) == 0);
  REQUIRE(::getsockname(listener.descriptor(), generic, &size) == 0);
  address = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
  return listener;
}

pid_t start_peer(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"/usr/bin/python3", FED_NOISE_PEER});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t child = -1;
  REQUIRE(::posix_spawn(&child, argv[0], nullptr, nullptr, argv.data(), environ) == 0);
  return child;
}

void send_all(int socket, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    REQUIRE(sent > 0);
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

// How many bytes were read into `into`; 0 at the end of the stream.
std::size_t receive(int socket, ByteSpan into) {
  REQUIRE(readable(socket));
  const ssize_t got = ::recv(socket, into.data(), into.size(), 0);
  REQUIRE(got >= 0);
  return static_cast<std::size_t>(got);
}

// False if the peer is refused.
bool shake_hands(int socket, ServerHandshake& handshake) {
  std::array<std::uint8_t, kHandshakeMessageBytesMax> buffer;
  while (!handshake.finished()) {
    const std::size_t got = receive(socket, ByteSpan(buffer).first(handshake.wanted()));
    if (got == 0 || !handshake.feed(ByteView(buffer).first(got))) return false;
    send_all(socket, handshake.take_output());
  }
  return true;
}

// Answers every ping until the peer ends the session; returns how many there were.
int answer_pings(int socket, Transport& transport) {
  RecordReader reader;
  int pings = 0;
  while (!transport.opener.ended()) {
    const std::size_t got = receive(socket, reader.room());
    REQUIRE(got > 0);
    reader.filled(got);
    Bytes answer;
    for (auto next = reader.next(); next.value(); next = reader.next()) {
      const auto record = transport.opener.open(**next);
      REQUIRE(record.has_value());
      if (record->kind == Kind::end) break;
      REQUIRE(record->kind == Kind::ping);
      REQUIRE(transport.sealer.seal(Kind::pong, record->body, answer));
      ++pings;
    }
    send_all(socket, answer);
  }
  Bytes last;
  REQUIRE(transport.sealer.seal(Kind::end, {}, last));
  send_all(socket, last);
  return pings;
}

int exit_status(pid_t child) {
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct Outcome {
  bool established = false;
  int pings = 0;
  int status = -1;
  Bytes payload;
};

// One session of the Python client with a server here.
Outcome session(Pairing& pairing, std::vector<std::string> arguments) {
  std::string address;
  const File listener = listen_on_loopback(address);
  arguments.insert(arguments.end(), {"--address", address, "--client-key",
                                     to_hex(pairing.client_static.secret().view()), "--server-key",
                                     to_hex(pairing.server_key_at_client)});
  const pid_t child = start_peer(arguments);
  Outcome outcome;
  REQUIRE(readable(listener.descriptor()));
  File socket(::accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC), "connection");
  auto handshake = pairing.server();
  outcome.established = shake_hands(socket.descriptor(), handshake);
  if (outcome.established) {
    Established established = std::move(handshake).finish();
    outcome.pings = answer_pings(socket.descriptor(), established.transport);
    outcome.payload = established.payload;
  }
  socket.close();
  outcome.status = exit_status(child);
  return outcome;
}

TEST_CASE("an independent implementation shakes hands, pings and ends") {
  for (Suite suite : suites()) {
    for (bool joining : {false, true}) {
      Pairing pairing;
      std::vector<std::string> arguments{"--suite", name(suite), "--payload",
                                         "6162",    "--pings",   "3"};
      if (joining) {
        arguments.insert(arguments.end(), {"--join-id", to_hex(pairing.known.join_id), "--psk",
                                           to_hex(key_of(pairing.known.psk).view())});
      }
      INFO(name(suite) << (joining ? ", joining" : ""));
      const Outcome outcome = session(pairing, arguments);
      CHECK(outcome.established);
      CHECK(outcome.pings == 3);
      CHECK(text(outcome.payload) == "ab");
      CHECK(outcome.status == 0);
    }
  }
}

TEST_CASE("a client that is refused sees the connection close and says so") {
  Pairing pairing;
  pairing.known.client = pair_of(7).public_key();
  const Outcome outcome = session(pairing, {"--suite", "ChaChaPoly"});
  CHECK_FALSE(outcome.established);
  CHECK(outcome.status != 0);
}

// Hidden, since it takes some ten seconds: run it with `test_channel "[rekey]"`.
TEST_CASE("an independent implementation follows over two rekeys of each side", "[.][rekey]") {
  for (Suite suite : suites()) {
    Pairing pairing;
    const Outcome outcome = session(pairing, {"--suite", name(suite), "--pings", "140000"});
    CHECK(outcome.pings == 140000);
    CHECK(outcome.status == 0);
  }
}

}  // namespace
}  // namespace fed::channel
