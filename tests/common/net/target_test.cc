#include <catch2/catch.hpp>

#include "net/connect.h"

namespace fed::net {
namespace {

TEST_CASE("an address is host:port or [ipv6]:port") {
  const auto name = parse_target("fl.example.org:7600");
  REQUIRE(name.has_value());
  CHECK(name->host == "fl.example.org");
  CHECK(name->port == "7600");
  const auto six = parse_target("[::1]:80");
  REQUIRE(six.has_value());
  CHECK(six->host == "::1");
  for (const char* bad : {"", "host", ":1", "host:", "host:abc", "::1:80", "host:1x"}) {
    INFO(bad);
    CHECK_FALSE(parse_target(bad).has_value());
  }
}

}  // namespace
}  // namespace fed::net
