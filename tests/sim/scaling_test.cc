// Federated scaling under masks: the statistics of columns are a sum that nobody sees a part of,
// and the referee knows what must come of it.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "reference.h"
#include "sum_cohort.h"

using namespace fed;
using namespace fed::sim;

namespace {

constexpr const char* kScaledJob = R"({
  "name": "job-1", "model": {"type": "linear"},
  "inputs": {"columns": [{"name": "a", "type": "number"}, {"name": "b", "type": "number"}],
             "label": {"name": "y"}, "scaling": "federated"},
  "rounds": {"max": 2, "cohort": 4, "contributions": {"min": 3, "goal": 4},
             "seconds": {"max": 60, "select": 1}},
  "secure_aggregation": {"phase_s": 5}})";

const TrainedUpdate& statistics_of(Cohort& cohort, UpdateId& id) {
  for (const auto& [key, update] : cohort.world.ledger().all_trained()) {
    if (!update.statistics) continue;
    id = key;
    return update;
  }
  FAIL("there are none");
  std::abort();
}

}  // namespace

TEST_CASE("scaling: a cohort sums up its statistics under masks, and every checker is content") {
  Cohort cohort(kScaledJob);
  cohort.live();
  cohort.check_all();
  const Sums& sums = cohort.world.ledger().sums();
  CHECK(sums.of_statistics() == 1);
  CHECK(sums.made() == 3);
  const auto& told = cohort.world.ledger().scalings().at("job-1");
  REQUIRE(told.size() == 1);
  CHECK(told.begin()->means.size() == 2);
}

TEST_CASE("scaling: one that is not that of the rows is found, and a second one") {
  Cohort cohort(kScaledJob);
  cohort.live();
  SECTION("another cell") {
    UpdateId id;
    TrainedUpdate other = statistics_of(cohort, id);
    ++other.columns[1].sum;
    cohort.world.ledger().trained(id, other);
    CHECK_THAT(cohort.verdict("models"), Catch::Contains("the scaling of column 2 is not that"));
  }
  SECTION("another one is told") {
    wire::Task task;
    task.job = "job-1";
    task.kind = wire::TaskKind::training;
    task.means = task.deviations = {0, 0};
    cohort.world.ledger().overhear(2, task, true);
    CHECK_THAT(cohort.verdict("models"), Catch::Contains("two kinds of scaling"));
  }
}

TEST_CASE("scaling: statistics of one site on the server's disk are found") {
  Cohort cohort(kScaledJob);
  cohort.live();
  CHECK(cohort.verdict("sums") == "");
  UpdateId id;
  Bytes content{1, 2, 3};
  append(content, statistics_of(cohort, id).coded);
  replace_file(cohort.world.server_disk(), "/state/anything", content, Durability::process).value();
  CHECK_THAT(cohort.verdict("sums"), Catch::Contains("/state/anything holds site-"));
}

TEST_CASE("scaling: statistics that were revealed, and came to nothing, are in no other sum") {
  // Three die as they reveal, and the server waits for their shares in vain.
  Cohort cohort(kScaledJob);
  std::size_t asked = 0;
  cohort.world.ledger().on_message = [&](std::size_t client, const wire::Message& message,
                                         bool incoming) {
    if (!incoming || !std::holds_alternative<wire::SecureSignatures>(message)) return;
    if (++asked > 3) return;
    cohort.world.queue().add(cohort.world.queue().now(), &cohort, [&cohort, client] {
      cohort.world.crash_client(client, Crash::process, std::chrono::seconds(30));
    });
  };
  const Instant until = cohort.world.queue().now() + std::chrono::minutes(20);
  while (!cohort.world.finished() && cohort.world.step(until)) {
    for (const auto& checker : cohort.checkers) {
      if (checker->name() == std::string("sums")) REQUIRE(checker->after_step(cohort.world) == "");
    }
  }
  CHECK(cohort.verdict("sums") == "");
  CHECK(cohort.verdict("models") == "");
  CHECK(cohort.world.ledger().sums().made() == 0);
  CHECK(cohort.world.finished());  // the server says that it cannot go on, and the operator ends it
  CHECK(cohort.world.tally()["job without hope"] == 1);
  cohort.world.queue().drop(&cohort);
}

TEST_CASE("the reference makes the scaling of a column as can be said by hand") {
  // 0.25, 0.75 and 1, 3: mean 1.25, squares 0.0625 + 0.5625 + 1 + 9 = 10.625.
  const ReferenceColumn column =
      reference_column({{.unit = -2, .count = 2, .sum = 4, .squares = 10},
                        {.unit = -2, .count = 2, .sum = 16, .squares = 160}});
  CHECK(column.mean == 1.25);
  CHECK(column.mean_square == 10.625 / 4);
  CHECK(column.variance == 10.625 / 4 - 1.25 * 1.25);
  CHECK(column.is_scaled(1.25, std::sqrt(column.variance)));
  CHECK_FALSE(column.is_scaled(1.25, std::sqrt(column.variance) * (1 + 1e-12)));
  CHECK_FALSE(column.is_scaled(std::nextafter(1.25, 2), std::sqrt(column.variance)));
  CHECK_FALSE(column.is_scaled(1.25, 0));
  // Sites that say nothing; a column whose cells are all the same.
  CHECK(reference_column({{.unit = 3}, {.unit = 3}}).is_scaled(0, 0));
  CHECK(reference_column({{.unit = 0, .count = 3, .sum = 21, .squares = 147}}).is_scaled(7, 0));
}
