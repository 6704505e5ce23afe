#include "app/client_keys.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "../testing.h"
#include "app/key_holder.h"

using namespace fed;
using namespace fed::app;
using fed::test::Scratch;

namespace {

mode_t mode_of(const fs::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

// The environment variable of systemd.exec(5), for the length of a test.
struct Credentials {
  explicit Credentials(const fs::path& folder) {
    ::setenv("CREDENTIALS_DIRECTORY", folder.c_str(), 1);
  }
  ~Credentials() { ::unsetenv("CREDENTIALS_DIRECTORY"); }
};

}  // namespace

TEST_CASE("keys are made once, for their owner's eyes only") {
  Scratch scratch;
  const fs::path state = scratch.path() / "state";
  const auto made = load_or_create_keys(fed::real_disk(), state);
  REQUIRE(made);
  CHECK(mode_of(state) == 0700);
  CHECK(mode_of(state / "client.key") == 0600);
  CHECK(mode_of(state / "identity.key") == 0600);

  const auto again = load_or_create_keys(fed::real_disk(), state);
  const auto loaded = load_keys(fed::real_disk(), state);
  REQUIRE(again);
  REQUIRE(loaded);
  CHECK(again->channel.public_key() == made->channel.public_key());
  CHECK(loaded->channel.public_key() == made->channel.public_key());
  CHECK(loaded->identity.verify_key() == made->identity.verify_key());
  CHECK(made->channel.public_key() != made->identity.verify_key());
}

TEST_CASE("a client without keys is told to join") {
  Scratch scratch;
  const auto keys = load_keys(fed::real_disk(), scratch.path());
  REQUIRE_FALSE(keys);
  CHECK(keys.error().code == ErrorCode::not_found);
  CHECK(keys.error().detail.find("fedclient join") != std::string::npos);
}

TEST_CASE("a key that others could have read is refused") {
  Scratch scratch;
  REQUIRE(load_or_create_keys(fed::real_disk(), scratch.path()));
  fs::permissions(scratch.path() / "client.key", fs::perms(0644));
  CHECK(load_keys(fed::real_disk(), scratch.path()).error().code == ErrorCode::invalid);
}

TEST_CASE("the service manager's credentials come first") {
  Scratch scratch, credentials;
  const auto own = load_or_create_keys(fed::real_disk(), scratch.path());
  const auto passed = load_or_create_keys(fed::real_disk(), credentials.path());
  REQUIRE(own);
  REQUIRE(passed);
  const Credentials environment(credentials.path());
  CHECK(load_keys(fed::real_disk(), scratch.path())->channel.public_key() ==
        passed->channel.public_key());
  REQUIRE(remove_file(credentials.path() / "client.key"));
  CHECK(load_keys(fed::real_disk(), scratch.path())->channel.public_key() ==
        own->channel.public_key());
}

TEST_CASE("a key holder's key may be a credential too") {
  Scratch scratch, credentials;
  const auto own = load_or_create_decryption_key(fed::real_disk(), scratch.path() / "holder.key");
  const auto passed =
      load_or_create_decryption_key(fed::real_disk(), credentials.path() / "holder.key");
  REQUIRE(own.has_value());
  REQUIRE(passed.has_value());
  const Credentials environment(credentials.path());
  const auto loaded = load_decryption_key(fed::real_disk(), scratch.path() / "holder.key");
  CHECK(loaded->public_key() == passed->public_key());
  REQUIRE(remove_file(credentials.path() / "holder.key"));
  CHECK(load_decryption_key(fed::real_disk(), scratch.path() / "holder.key")->public_key() ==
        own->public_key());
}

TEST_CASE("the storage key is of the channel's key, wherever that lies") {
  Scratch scratch, credentials;
  REQUIRE(load_storage_key(fed::real_disk(), scratch.path()).error().code == ErrorCode::not_found);
  const auto own = load_or_create_keys(fed::real_disk(), scratch.path());
  const auto passed = load_or_create_keys(fed::real_disk(), credentials.path());
  REQUIRE(own);
  REQUIRE(passed);
  CHECK(storage_key(*own).id() != storage_key(*passed).id());
  CHECK(load_storage_key(fed::real_disk(), scratch.path())->id() == storage_key(*own).id());
  const Credentials environment(credentials.path());
  CHECK(load_storage_key(fed::real_disk(), scratch.path())->id() == storage_key(*passed).id());
  REQUIRE(remove_file(scratch.path() / "identity.key"));  // is not asked for
  CHECK(load_storage_key(fed::real_disk(), scratch.path())->id() == storage_key(*passed).id());
}

TEST_CASE("a state folder has one user at a time") {
  Scratch scratch;
  auto first = lock_state(fed::real_disk(), scratch.path());
  REQUIRE(first);
  const auto second = lock_state(fed::real_disk(), scratch.path());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::already_exists);
  first->close();
  CHECK(lock_state(fed::real_disk(), scratch.path()));
}

TEST_CASE("a server key that is none is no handshake") {
  Scratch scratch;
  const auto keys = load_or_create_keys(fed::real_disk(), scratch.path());
  REQUIRE(keys);
  config::ClientSpec spec;
  spec.server_key = GENERATE(as<std::string>(), "", "abc", "?");
  CHECK(make_handshake(spec, *keys).error().code == ErrorCode::invalid);
}
