// Updates that are added up while others of their round are on their way.
#include "app/early_fold.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "base/checksum.h"
#include "job_bench.h"

namespace fed::app {
namespace {

using test::JobBench;

// Four updates make a version; the first two are added up early.
constexpr const char* kFour = R"({
  "name": "a", "model": {"type": "linear", "inputs": 2},
  "rounds": {"max": 2, "cohort": 4, "contributions": {"min": 4, "goal": 4}, "seconds": {"max": 60}},
  "aggregation": {"update_limit": 64}})";

using Values = std::array<float, 3>;

Values values_of(std::int64_t client) {
  const auto x = static_cast<float>(client);
  return {x, -x / 4, 0.5F};
}

Bytes bytes_of(const Values& values) {
  Bytes bytes(sizeof values);
  std::memcpy(bytes.data(), values.data(), sizeof values);
  return bytes;
}

// A round of four clients, of 1, 2, 3 and 4 examples.
class Round {
 public:
  Round() {
    bench.start();
    for (std::int64_t client = 1; client <= 4; ++client) {
      bench.connect(client).says(wire::JobAnswer{"a", true, client, ""});
    }
    bench.pass(1);
    for (std::int64_t client = 1; client <= 4; ++client) {
      REQUIRE(bench.client(client).heard<wire::Task>().size() == 1);
    }
    before = bench.job().model()->weights;
  }

  void contributes(std::int64_t client) {
    const wire::Task task = bench.client(client).heard<wire::Task>().back();
    const Bytes bytes = bytes_of(values_of(client));
    wire::Offer offer;
    offer.job = task.job;
    offer.task = task.task;
    offer.base_version = task.base_version;
    offer.examples = client;
    offer.bytes = bytes.size();
    offer.checksum = checksum(bytes);
    offer.body = bytes;
    bench.client(client).says(offer);
    bench.pass(1);
    REQUIRE(bench.client(client).heard<wire::Receipt>().size() == 1);
  }

  // From now on, other bytes are in the staged file than were accepted.
  void spoil(std::int64_t client) {
    const auto staged = bench.staging().list().value();
    const auto at = std::find_if(staged.begin(), staged.end(),
                                 [&](const auto& each) { return each.key.client == client; });
    REQUIRE(at != staged.end());
    const File file = bench.disk().open_to_write(at->path, 0600).value();
    file.write_at(0, bytes_of({60, 60, 60})).value();
  }

  // What the mean of these clients' updates does to coordinate i.
  float expected(std::initializer_list<std::int64_t> clients, std::size_t i) const {
    double sum = 0, weight = 0;
    for (const std::int64_t client : clients) {
      sum += static_cast<double>(client) * static_cast<double>(values_of(client)[i]);
      weight += static_cast<double>(client);
    }
    return static_cast<float>(static_cast<double>(before[i]) + sum / weight);
  }

  JobBench bench{kFour};
  tensor::Floats before;
};

TEST_CASE("early fold: half of the updates are added up before the last ones are there") {
  Round round;
  round.contributes(3);
  round.contributes(1);
  round.spoil(3);  // nobody reads it again
  round.spoil(1);
  round.contributes(4);
  round.contributes(2);
  REQUIRE(round.bench.job().version() == 1);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(round.bench.job().model()->weights[i] == round.expected({1, 2, 3, 4}, i));
  }
}

TEST_CASE("early fold: after a restart the updates are read again") {
  Round round;
  round.contributes(3);
  round.contributes(1);
  round.bench.restart();
  round.bench.start();
  for (const std::int64_t client : {2, 4}) {
    round.bench.connect(client).says(wire::JobAnswer{"a", true, client, ""});
    round.bench.pass(1);
    round.contributes(client);
  }
  REQUIRE(round.bench.job().version() == 1);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(round.bench.job().model()->weights[i] == round.expected({1, 2, 3, 4}, i));
  }
}

TEST_CASE("early fold: what was added up in an attempt that came to nothing is left aside") {
  Round round;
  round.contributes(3);
  round.contributes(1);
  for (const std::int64_t client : {2, 4}) round.bench.job().removed(client);
  round.bench.pass(1);
  REQUIRE(round.bench.job().version() == 0);
  // Other sites, of other weights, take their place: the cohort weighs more than before.
  for (const std::int64_t client : {5, 6}) {
    round.bench.connect(client).says(wire::JobAnswer{"a", true, client, ""});
  }
  round.bench.pass(40);
  REQUIRE(round.bench.client(5).heard<wire::Task>().size() == 1);
  for (const std::int64_t client : {5, 6}) round.contributes(client);
  REQUIRE(round.bench.job().version() == 1);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(round.bench.job().model()->weights[i] == round.expected({1, 3, 5, 6}, i));
  }
}

TEST_CASE("early fold: an update that cannot be read early is read at the end, or says so there") {
  Round round;
  round.contributes(3);
  const auto staged = round.bench.staging().list().value();
  REQUIRE(staged.size() == 1);
  const fs::path aside = staged[0].path.parent_path() / "aside";
  round.bench.disk().rename(staged[0].path, aside).value();
  round.contributes(1);
  round.bench.disk().rename(aside, staged[0].path).value();
  round.contributes(4);
  round.contributes(2);
  REQUIRE(round.bench.job().version() == 1);
  CHECK(round.bench.job().model()->weights[0] == round.expected({1, 2, 3, 4}, 0));
}

TEST_CASE("early fold: its memory counts where a job has to fit and no job is refused for it") {
  const auto plan_of = [](const std::string& outputs, const std::string& rounds) {
    const std::string text = R"({"name": "a", "model": {"type": "softmax", "inputs": 499999, )"
                             R"("outputs": )" +
                             outputs + R"(}, "rounds": {"max": 1, "cohort": 2)" + rounds + "}}";
    return make_plan(config::parse_job(text).value()).value();
  };
  const auto plan = plan_of("2", "");
  CHECK(plan->early_fold_bytes() >= 8'000'000);
  CHECK(plan->early_fold_bytes() < 8'200'000);
  CHECK(plan->memory_bytes(1) > plan->early_fold_bytes() + 8'000'000);
  const auto huge = plan_of("400", "");
  CHECK(huge->early_fold_bytes() == 0);
  CHECK(huge->memory_bytes(1) >= 1'600'000'000);
  CHECK(plan_of("2", R"(, "staleness": {"max": 3})")->early_fold_bytes() == 0);
}

}  // namespace
}  // namespace fed::app
