#include "app/directory.h"

#include <catch2/catch.hpp>

namespace fed::app {
namespace {

std::int64_t at_100() { return 100; }

crypto::PublicKey key(std::uint8_t fill) {
  crypto::PublicKey made;
  made.fill(fill);
  return made;
}

TEST_CASE("a key is known from its adding to its removal") {
  Directory directory;
  const channel::ServerDirectory view = directory.for_handshakes(&at_100);
  CHECK_FALSE(view.allow(key(1)).has_value());
  directory.add_client(key(1), {7, "north"});
  CHECK(view.allow(key(1)).has_value());
  CHECK(directory.find(key(1))->name == "north");
  CHECK_FALSE(view.allow(key(2)).has_value());
  directory.remove_client(key(1));
  CHECK_FALSE(view.allow(key(1)).has_value());
}

TEST_CASE("an invite's secret is given out until it is used or expires") {
  Directory directory;
  const channel::ServerDirectory view = directory.for_handshakes(&at_100);
  const channel::JoinId good{1}, expired{2}, unknown{3};
  const auto psk = crypto::SecretKey::random(crypto::Memory::plain);
  directory.add_invite(good, psk.duplicate(crypto::Memory::plain), 101);
  directory.add_invite(expired, psk.duplicate(crypto::Memory::plain), 100);
  const auto found = view.psk_of(good);
  REQUIRE(found.has_value());
  CHECK(std::ranges::equal(found->view(), psk.view()));
  CHECK_FALSE(view.psk_of(expired).has_value());
  CHECK_FALSE(view.psk_of(unknown).has_value());
  directory.remove_invite(good);
  CHECK_FALSE(view.psk_of(good).has_value());
}

}  // namespace
}  // namespace fed::app
