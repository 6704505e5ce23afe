// The privacy ledger: written with the commit or not at all, once a round.
#include <catch2/catch.hpp>
#include <limits>

#include "registry.h"
#include "store/sqlite.h"

using fed::ErrorCode;
using fed::store::Database;
using fed::store::LedgerRow;
using fed::store::PrivacyCost;
using namespace fed::store::testing;

namespace {

PrivacyCost cost(double noise) {
  return {.mechanism = "central_gaussian",
          .clipping_norm = 0.1,
          .noise_multiplier = noise,
          .rdp = {0, 1.0 / 3, noise, std::numeric_limits<double>::infinity()}};
}

fed::store::RoundCommit costly(std::int64_t round, double noise) {
  auto made = commit(round, 1);
  made.privacy = cost(noise);
  return made;
}

void play(fed::store::Journal& journal, std::int64_t round, double noise,
          const std::vector<std::int64_t>& clients) {
  journal.begin_round(start(round, 1)).value();
  auto made = costly(round, noise);
  made.contributions.clear();
  for (const std::int64_t client : clients) {
    accept(journal, accepted(round, client)).value();
    made.contributions.push_back({round, client});
  }
  journal.commit_round(made).value();
}

TEST_CASE("ledger: every bit of a cost comes back, by round, and by who contributed") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  play(*registry, 1, 1.5, {1, 2});
  play(*registry, 2, 0.7, {2, 5});
  const auto at = [](std::int64_t round) { return commit(round, 1).committed_at; };
  const LedgerRow first{"fashion", 1, cost(1.5), at(1)}, second{"fashion", 2, cost(0.7), at(2)};
  CHECK(registry.anew().privacy_ledger("fashion").value() == std::vector{first, second});
  CHECK(registry->privacy_ledger_of(1).value() == std::vector{first});
  CHECK(registry->privacy_ledger_of(2).value() == std::vector{first, second});
  CHECK(registry->privacy_ledger_of(5).value() == std::vector{second});
  CHECK(registry->privacy_ledger_of(8).value().empty());
  CHECK(registry->privacy_ledger("other").value().empty());
}

TEST_CASE("ledger: whose updates are in which versions is known for good") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  using Tasks = std::map<std::int64_t, std::vector<std::int64_t>>;
  CHECK(registry->committed_tasks("fashion").value() == Tasks());
  play(*registry, 1, 1.5, {1, 2});
  play(*registry, 2, 1.5, {2, 5});
  registry->begin_round(start(3, 1)).value();
  accept(*registry, accepted(3, 1)).value();  // in none yet
  const Tasks counted{{1, {1}}, {2, {1, 2}}, {5, {2}}};
  CHECK(registry->committed_tasks("fashion").value() == counted);
  registry->discard_contribution("fashion", {3, 1}, 0).value();
  registry->discard_contribution("fashion", {1, 1}, 0).value();  // what is committed stays
  CHECK(registry.anew().committed_tasks("fashion").value() == counted);
  CHECK(registry->committed_tasks("other").value() == Tasks());
}

TEST_CASE("ledger: a commit that is repeated is entered once, one that fails not at all") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  registry->begin_round(start(1, 1)).value();
  auto wrong = costly(1, 1);
  wrong.attempt = 7;
  CHECK(registry->commit_round(wrong).error().code == ErrorCode::not_found);
  CHECK(registry.anew().privacy_ledger("fashion").value().empty());
  registry->commit_round(costly(1, 1)).value();
  registry->commit_round(costly(1, 1)).value();
  CHECK(registry.anew().privacy_ledger("fashion").value().size() == 1);
}

TEST_CASE("ledger: a registry of before there was one gets it, and keeps what it has") {
  Registry registry;
  registry->add_job("fashion", "{}", "running", kNow).value();
  registry.close();
  {
    auto database = Database::open(fed::real_disk(), registry.path()).value();
    database->execute("DROP TABLE privacy_ledger; PRAGMA user_version = 1").value();
  }
  CHECK(registry.anew().find_job("fashion").value().state == "running");
  play(*registry, 1, 2, {1});
  CHECK(registry.anew().privacy_ledger("fashion").value().size() == 1);
}

}  // namespace
