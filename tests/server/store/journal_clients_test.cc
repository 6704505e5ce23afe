// Clients, invites and jobs in the journal. It is opened anew before every look, so that only the
// disk can answer.
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "registry.h"

using fed::Durability;
using fed::ErrorCode;
using fed::store::Client;
using fed::store::Journal;
using fed::store::PendingInvite;
using namespace fed::store::testing;

TEST_CASE("journal: an invite becomes a client, once") {
  Registry registry;
  registry->add_invite(invite(1, "north")).value();
  const auto found = registry.anew().find_invite({1, 1, 2, 3, 4, 5, 6, 7}, kNow).value();
  CHECK(found.name == "north");
  CHECK(std::ranges::equal(found.psk.view(), key(1)));
  CHECK(registry->invites().value() == std::vector<PendingInvite>{{found.id, "north", kNow + 100}});

  const Client client = registry.anew().take_invite(found.id, key(11), key(21), kNow + 1).value();
  CHECK(client == Client{1, "north", key(11), key(21), kNow + 1, kNow + 1, {}});
  CHECK(registry.anew().clients().value() == std::vector<Client>{client});
  CHECK(registry->find_client("north").value() == client);
  CHECK(registry->find_client_by_key(key(11)).value() == client);
  CHECK_FALSE(registry->find_client_by_key(key(12)).value().has_value());
  CHECK(registry->invites().value().empty());

  // The answer was lost: the same client asks again. Anybody else is late.
  CHECK(registry.anew().take_invite(found.id, key(11), key(21), kNow + 9).value() == client);
  CHECK(registry->take_invite(found.id, key(12), key(22), kNow).error().code ==
        ErrorCode::not_found);
  CHECK(registry->find_invite(found.id, kNow).error().code == ErrorCode::not_found);
  CHECK(registry.anew().clients().value().size() == 1);
}

TEST_CASE("journal: an invite that is used leaves no secret in any file") {
  Registry registry;
  registry->add_invite(invite(0xa7, "north")).value();
  const auto secrets = [&] {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(registry.folder().path())) {
      const fed::Bytes bytes = content(file.path());
      const auto secret = key(0xa7);
      count += std::search(bytes.begin(), bytes.end(), secret.begin(), secret.end()) == bytes.end()
                   ? 0
                   : 1;
    }
    return count;
  };
  CHECK(secrets() > 0);
  registry->take_invite(invite(0xa7, "").id, key(1), key(2), kNow).value();
  CHECK(secrets() == 0);
}

TEST_CASE("journal: invites expire, are withdrawn by the next, and cannot be forged") {
  Registry registry;
  registry->add_invite(invite(1, "north", kNow + 100)).value();
  CHECK(registry->find_invite(invite(1, "").id, kNow + 99).has_value());
  CHECK(registry->find_invite(invite(1, "").id, kNow + 100).error().code == ErrorCode::invalid);
  CHECK(registry->take_invite(invite(1, "").id, key(1), key(2), kNow + 100).error().code ==
        ErrorCode::invalid);
  CHECK(registry->find_invite(invite(9, "").id, kNow).error().code == ErrorCode::not_found);

  registry->add_invite(invite(2, "north")).value();
  CHECK(registry.anew().find_invite(invite(1, "").id, kNow).error().code == ErrorCode::not_found);
  CHECK(registry->find_invite(invite(2, "").id, kNow).has_value());
  CHECK(registry->add_invite(invite(2, "south")).error().code == ErrorCode::already_exists);
}

TEST_CASE("journal: one name and one key, one client") {
  Registry registry;
  registry->add_invite(invite(1, "north")).value();
  registry->take_invite(invite(1, "").id, key(11), key(21), kNow).value();
  CHECK(registry.anew().add_invite(invite(2, "north")).error().code == ErrorCode::already_exists);
  registry->add_invite(invite(3, "south")).value();
  CHECK(registry->take_invite(invite(3, "").id, key(11), key(23), kNow).error().code ==
        ErrorCode::already_exists);
  CHECK(registry.anew().invites().value().size() == 1);  // not used up by the failure
  CHECK(registry->take_invite(invite(3, "").id, key(13), key(23), kNow).value().id == 2);
}

TEST_CASE("journal: revoked is for ever, but the name is free again") {
  Registry registry;
  registry->add_invite(invite(1, "north")).value();
  registry->take_invite(invite(1, "").id, key(11), key(21), kNow).value();
  registry.anew().revoke("north", kNow + 7).value();
  CHECK(registry.anew().find_client_by_key(key(11)).value()->revoked_at == kNow + 7);
  CHECK(registry->revoke("north", kNow + 8).error().code == ErrorCode::invalid);
  CHECK(registry->revoke("west", kNow).error().code == ErrorCode::not_found);
  CHECK(registry->take_invite(invite(1, "").id, key(11), key(21), kNow).error().code ==
        ErrorCode::not_found);

  registry->add_invite(invite(2, "north")).value();
  CHECK(registry->take_invite(invite(2, "").id, key(11), key(21), kNow).error().code ==
        ErrorCode::already_exists);
  CHECK(registry->take_invite(invite(2, "").id, key(12), key(22), kNow).value().id == 2);
  CHECK(registry.anew().find_client("north").value().id == 2);
  CHECK(registry->clients().value().size() == 2);

  registry->add_invite(invite(3, "east")).value();  // not joined yet: revoking withdraws
  registry.anew().revoke("east", kNow).value();
  CHECK(registry->find_invite(invite(3, "").id, kNow).error().code == ErrorCode::not_found);
}

TEST_CASE("journal: last seen only moves forward") {
  Registry registry;
  registry->add_invite(invite(1, "north")).value();
  const Client client = registry->take_invite(invite(1, "").id, key(11), key(21), kNow).value();
  registry.anew().touch(client.id, kNow + 30).value();
  registry.anew().touch(client.id, kNow + 20).value();
  CHECK(registry.anew().find_client("north").value().last_seen == kNow + 30);
  CHECK(registry->touch(99, kNow).error().code == ErrorCode::not_found);
}

TEST_CASE("journal: jobs keep their order, their text and their state") {
  Registry registry;
  const std::string spec = "{\"name\": \"zeta\", \"x\": \"\xc3\xa4'; DROP TABLE jobs; --\"}";
  registry->add_job("zeta", spec, "running", kNow).value();
  registry.anew().add_job("alpha", "{}", "paused", kNow + 1).value();
  CHECK(registry->add_job("zeta", "{}", "running", kNow).error().code == ErrorCode::already_exists);
  registry->add_job("zeta", spec, "running", kNow + 2).value();  // the answer was lost
  registry.anew().set_job_state("zeta", "finished", 51, "the target is reached", kNow + 9).value();
  CHECK(registry->add_job("zeta", spec, "running", kNow).error().code == ErrorCode::already_exists);
  const auto jobs = registry.anew().jobs().value();
  REQUIRE(jobs.size() == 2);
  CHECK(jobs[0] == fed::store::Job{.name = "zeta",
                                   .spec = spec,
                                   .state = "finished",
                                   .detail = "the target is reached",
                                   .reason = 51,
                                   .submitted_at = kNow,
                                   .changed_at = kNow + 9,
                                   .version = 0,
                                   .best_version = {},
                                   .best_value = {},
                                   .without_better = 0});
  CHECK(registry->find_job("alpha").value() == jobs[1]);
  CHECK(registry->find_job("beta").error().code == ErrorCode::not_found);
  CHECK(registry->set_job_state("beta", "paused", 0, "", kNow).error().code ==
        ErrorCode::not_found);
}

TEST_CASE("journal: its files are for their owner only") {
  Registry registry({Durability::power, 0});
  registry->add_job("fashion", "{}", "running", kNow).value();
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(registry.folder().path())) {
    struct stat info {};
    REQUIRE(::stat(file.path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    ++files;
  }
  CHECK(files == 3);  // with its log and the log's index
}
