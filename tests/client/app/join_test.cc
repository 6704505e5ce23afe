#include "app/join.h"

#include <catch2/catch.hpp>
#include <future>

#include "fake_server.h"

using namespace fed;
using namespace fed::app;
using fed::test::FakeServer;
using fed::test::Scratch;

namespace {

struct Joining {
  explicit Joining(const channel::JoinCode& code)
      : keys(load_or_create_keys(fed::real_disk(), scratch.path()).value()),
        result(std::async(std::launch::async, [this, &code] { return join_server(code, keys); })) {}

  Scratch scratch;
  ClientKeys keys;
  std::future<Result<std::string>> result;
};

bool says(const Result<std::string>& result, const char* words) {
  return !result && result.error().detail.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("joining proves both keys and learns the name") {
  FakeServer server;
  const auto code = server.invitation();
  Joining joining(code);
  const auto join = server.expect<wire::Join>();
  CHECK(server.peer == joining.keys.channel.public_key());
  CHECK(join.identity_key == joining.keys.identity.verify_key());
  CHECK(crypto::verify(join.identity_key, server.handshake_hash, join.signature));
  server.send(wire::Joined{"site-1"});
  server.expect_close();
  const auto name = joining.result.get();
  REQUIRE(name);
  CHECK(*name == "site-1");
}

TEST_CASE("a refusal is told in the server's words") {
  FakeServer server;
  const auto code = server.invitation();
  Joining joining(code);
  server.expect<wire::Join>();
  server.send(wire::Bye{"the name is taken", false});
  server.expect_close();
  const auto name = joining.result.get();
  CHECK(says(name, "the name is taken"));
}

TEST_CASE("when the answer is lost, the server is asked whether it knows this client now") {
  FakeServer server;
  const auto code = server.invitation();
  Joining joining(code);
  server.expect<wire::Join>();
  server.hang_up();
  server.expect<wire::Hello>();
  CHECK(server.peer == joining.keys.channel.public_key());
  server.send(wire::Welcome{"site-1", "server", 120});
  server.expect_close();
  const auto name = joining.result.get();
  REQUIRE(name);
  CHECK(*name == "site-1");
}
