#include "app/client_status.h"

#include <catch2/catch.hpp>

#include "../testing.h"

using namespace fed;
using namespace fed::app;
using fed::test::Scratch;

TEST_CASE("a status is read as it was written") {
  Scratch scratch;
  ClientStatus status;
  status.connection = "connected";
  status.name = "site-1";
  status.job = "trial";
  status.task = 4;
  status.phase = "training";
  status.last_answer = {"trial", 3, "accepted", "", 1'700'000'000};
  status.last_refusal = {"trial", 2, "refused", "norm \"too\" large", 1'600'000'000};
  status.own_refusal = {"trial", 1, "privacy_spent", "no more", 1'500'000'000};
  status.public_key = "abc";
  status.held = {"secret", "other"};
  status.declined = {{"other", "this site does not agree"}};
  status.standby = {"trial", "2 of 5 clients", 1'700'000'100};
  status.updated_at = 1'700'000'001;
  REQUIRE(save(fed::real_disk(), scratch.path(), status));
  const auto loaded = load_status(fed::real_disk(), scratch.path());
  REQUIRE(loaded);
  CHECK(loaded->connection == status.connection);
  CHECK(loaded->name == status.name);
  CHECK(loaded->job == status.job);
  CHECK(loaded->task == 4);
  CHECK(loaded->phase == status.phase);
  CHECK(loaded->last_answer.at == status.last_answer.at);
  CHECK(loaded->last_answer.task == 3);
  CHECK(loaded->last_refusal.detail == status.last_refusal.detail);
  CHECK(loaded->last_refusal.outcome == "refused");
  CHECK(loaded->own_refusal.job == "trial");
  CHECK(loaded->own_refusal.task == 1);
  CHECK(loaded->own_refusal.reason == "privacy_spent");
  CHECK(loaded->own_refusal.detail == "no more");
  CHECK(loaded->own_refusal.at == 1'500'000'000);
  CHECK(loaded->public_key == "abc");
  CHECK(loaded->held == status.held);
  CHECK_FALSE(loaded->is_stale);
  CHECK(loaded->declined == status.declined);
  CHECK(loaded->standby.job == "trial");
  CHECK(loaded->standby.detail == "2 of 5 clients");
  CHECK(loaded->standby.until == 1'700'000'100);
  CHECK(loaded->updated_at == status.updated_at);
}

TEST_CASE("the newest status replaces the older one") {
  Scratch scratch;
  ClientStatus status;
  for (std::int64_t task : {1, 2, 3}) {
    status.task = task;
    REQUIRE(save(fed::real_disk(), scratch.path(), status));
    CHECK(load_status(fed::real_disk(), scratch.path())->task == task);
  }
}

TEST_CASE("a daemon that has never run has no status") {
  Scratch scratch;
  CHECK(load_status(fed::real_disk(), scratch.path()).error().code == ErrorCode::not_found);
}

TEST_CASE("text that is not UTF-8 is no obstacle") {
  Scratch scratch;
  ClientStatus status;
  status.connection = "not connected: \xff\xfe";
  REQUIRE(save(fed::real_disk(), scratch.path(), status));
  CHECK(load_status(fed::real_disk(), scratch.path()));
}

TEST_CASE("what is no status file is an error") {
  Scratch scratch;
  const std::string content =
      GENERATE(as<std::string>(), "", "x", "[]", "{\"task\":\"x\"}", "{\"last_answer\":[1]}");
  REQUIRE(replace_file(scratch.path() / "status.json", view(content), Durability::process));
  CHECK(load_status(fed::real_disk(), scratch.path()).error().code == ErrorCode::malformed);
}
