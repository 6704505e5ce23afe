// A trial gives the same bits on any number of threads, and what it trains is what its parts give
// by hand.
#include "trial.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "../client/testing.h"
#include "app/local_job.h"
#include "aside.h"
#include "base/log.h"
#include "data/source.h"
#include "sim_disk.h"
#include "tensor/safetensors.h"
#include "train/local_trainer.h"

namespace fed::sim {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kRows = 240, kClients = 6;

// Two clouds, one for each class.
void write_table(const fs::path& path) {
  Random random(5);
  std::string text = "a,b,y\n";
  for (std::int64_t row = 0; row < kRows; ++row) {
    const double side = row % 2 == 0 ? 1 : -1;
    text += std::to_string(side + random.normal()) + "," +
            std::to_string(2 * side + random.normal()) + "," + std::to_string(row % 2) + "\n";
  }
  replace_file(path, view(text), Durability::process).value();
}

Json job_json(std::int64_t rounds) {
  return {{"name", "clouds"},
          {"model", {{"type", "softmax"}, {"outputs", 2}}},
          {"inputs",
           {{"columns", {{{"name", "a"}, {"type", "number"}}, {{"name", "b"}, {"type", "number"}}}},
            {"label", {{"name", "y"}, {"classes", {"0", "1"}}}},
            {"scaling", "federated"}}},
          {"training",
           {{"epochs", 2},
            {"batch_size", 8},
            {"optimizer", {{"type", "sgd"}, {"learning_rate", 0.3}}}}},
          {"rounds",
           {{"max", rounds},
            {"cohort", kClients},
            {"contributions", {{"min", 3}, {"goal", kClients}}},
            {"seconds", {{"max", 600}}}}},
          {"evaluation", {{"metric", "accuracy"}}}};
}

struct Setting {
  test::Scratch scratch;
  TrialOptions options;

  explicit Setting(std::int64_t rounds = 3, Json job = {}) {
    write_table(scratch.path() / "table.csv");
    if (job.is_null()) job = job_json(rounds);
    options.job = config::parse_job(job.dump()).value();
    const DataPlan plan = plan_data({.data = "csv:" + (scratch.path() / "table.csv").string(),
                                     .test = "",
                                     .label = "y",
                                     .test_fraction = 0.25})
                              .value();
    options.sites = TrialParts::cut(plan.train, {}, kClients, 3).value();
    options.speeds = {.rows_per_s = 10, .rows_spread = 0.5, .link_spread = 0.5};
    options.seed = 3;
  }
  TrialResult run(unsigned threads) {
    options.threads = threads;
    log::set_up(log::Level::error, log::Format::text);
    return run_trial(options, {}, scratch.path() / "model.safetensors").value();
  }
};

void check_alike(const TrialResult& one, const TrialResult& two) {
  CHECK(one.model == two.model);
  CHECK(one.state == two.state);
  CHECK(one.version == two.version);
  CHECK(one.simulated_s == two.simulated_s);
  CHECK(one.events == two.events);
  CHECK(one.dropouts == two.dropouts);
  CHECK(one.bytes_up == two.bytes_up);
  CHECK(one.bytes_down == two.bytes_down);
  REQUIRE(one.rounds.size() == two.rounds.size());
  for (std::size_t i = 0; i < one.rounds.size(); ++i) {
    CHECK(one.rounds[i].metrics == two.rounds[i].metrics);
    CHECK(one.rounds[i].committed_s == two.rounds[i].committed_s);
    CHECK(one.rounds[i].bytes_up == two.rounds[i].bytes_up);
  }
}

double accuracy(const TrialRound& round) {
  return Json::parse(round.metrics)["clients"]["accuracy"].get<double>();
}

}  // namespace

// Without column sums of single sites, as secure aggregation wants it.
Json integers_json(bool rotation, double kept) {
  Json job = job_json(3);
  job["inputs"]["scaling"] = "none";
  job["aggregation"] = {{"server_optimizer", {{"type", "adam"}, {"learning_rate", 0.1}}}};
  job["quantisation"] = {{"clipping_norm", 4}, {"rotation", rotation}, {"kept", kept}};
  return job;
}

TEST_CASE("with the same integers, a job gives the same bits with and without secure aggregation") {
  for (const auto& [rotation, kept] : {std::pair{false, 1.0}, {true, 1.0}, {true, 0.5}}) {
    Json job = integers_json(rotation, kept);
    const TrialResult seen = Setting(3, job).run(1);
    job["secure_aggregation"] = Json::object();
    const TrialResult secret = Setting(3, job).run(1);
    REQUIRE(seen.version == 3);
    REQUIRE(secret.version == 3);
    CHECK(seen.model == secret.model);
    for (std::size_t i = 0; i < 3; ++i) CHECK(secret.rounds[i].accepted == kClients);
    // Other integers are other bits.
    job["quantisation"]["steps"] = 1000;
    CHECK(Setting(3, job).run(1).model != secret.model);
  }
}

TEST_CASE("trial: one thread or several, the same models, times and bytes") {
  Setting setting;
  const TrialResult one = setting.run(1);
  CHECK(one.state == "finished");
  CHECK(one.version == 3);
  REQUIRE(one.rounds.size() == 3);
  for (const TrialRound& round : one.rounds) CHECK(round.accepted == kClients);
  CHECK(accuracy(one.rounds.back()) > 0.8);
  // 30 rows, twice, at about 10 rows a second.
  CHECK(one.simulated_s > 3 * 6);
  CHECK(one.simulated_s < 3 * 60);
  check_alike(one, setting.run(4));
}

TEST_CASE("trial: another seed gives another history") {
  Setting setting;
  const TrialResult one = setting.run(2);
  setting.options.seed = 4;
  CHECK(setting.run(2).simulated_s != one.simulated_s);
}

TEST_CASE("trial: sites that go away delay the job, and do not stop it") {
  Setting setting(5);
  setting.options.speeds.dropout = 0.3;
  setting.options.speeds.offline_s = 50;
  const TrialResult one = setting.run(1);
  CHECK(one.state == "finished");
  CHECK(one.version == 5);
  CHECK(one.dropouts > 0);
  check_alike(one, setting.run(3));
}

TEST_CASE("trial: a job that nobody can do is refused, with the reason") {
  Json job = job_json(1);
  job["inputs"]["columns"][0]["name"] = "missing";
  Setting setting(1, job);
  const auto refused = run_trial(setting.options, {}, "");
  REQUIRE(refused.has_error());
  CHECK(refused.error().detail.find("no connected client can do this job") != std::string::npos);
}

TEST_CASE("trial: it says when a job does not come to its end") {
  Setting setting;
  setting.options.seconds_max = 5;
  const auto late = run_trial(setting.options, {}, "");
  REQUIRE(late.has_error());
  CHECK(late.error().code == ErrorCode::closed);
}

// One round of federated averaging, from the parts' files and the trainer alone.
TEST_CASE("trial: the model is what the parts give by hand") {
  Json job = job_json(1);
  job["inputs"]["scaling"] = "none";
  Setting setting(1, job);
  const TrialResult result = setting.run(2);
  REQUIRE(result.version == 1);
  config::JobSpec spec = setting.options.job;
  spec.model.inputs = config::encoded_width(*spec.inputs);
  const auto model = model::make_model(spec.model).value();
  tensor::Floats start(model->layout().size());
  model->initialize(start, spec.model.seed);
  std::vector<double> sum(start.size());
  double weight = 0;
  for (std::int64_t i = 0; i < kClients; ++i) {
    const auto& part = setting.options.sites.parts()[static_cast<std::size_t>(i)];
    const auto source = data::open(part.data, app::expectation_of(spec, *model)).value();
    const auto rows = source->load({}).value();
    const std::string name = "site-" + std::to_string(i + 1);
    train::LocalTrainer trainer;
    const auto update =
        trainer.train(start, {spec, 1, train::task_seed(spec, 1, name)}, rows, [](double) {}, {})
            .value();
    const auto examples = static_cast<double>(update.examples);
    for (std::size_t k = 0; k < sum.size(); ++k) {
      sum[k] += examples * static_cast<double>(update.values[k]);
    }
    weight += examples;
  }
  const auto reader =
      tensor::SafetensorsReader::open(setting.scratch.path() / "model.safetensors").value();
  for (const tensor::Parameter& parameter : model->layout().parameters()) {
    std::vector<float> made(parameter.size());
    reader.read(*reader.find(parameter.name), as_writable_bytes(std::span(made))).value();
    for (std::size_t k = 0; k < made.size(); ++k) {
      const std::size_t at = parameter.offset + k;
      CHECK(made[k] == Approx(static_cast<double>(start[at]) + sum[at] / weight).margin(1e-6));
    }
  }
}

TEST_CASE("aside: what work posts is seen at its end, in the order of time") {
  Queue queue;
  std::int64_t offset = 0;
  SimLoop loop(queue, 1, offset);
  WorkPool pool(4);
  std::vector<int> seen;
  std::atomic<int> computed = 0;
  {
    AsideExecutor slow(queue, pool, std::chrono::seconds(10));
    AsideExecutor fast(queue, pool, std::chrono::seconds(2));
    const Instant begun = queue.now();
    const auto work = [&](int what) {
      return [&, what] {
        ++computed;
        CHECK(loop.now() == begun);
        loop.post([&, what] { seen.push_back(what); });
        loop.post([&, what] { seen.push_back(-what); });
      };
    };
    slow.post(work(1));
    fast.post(work(2));
    fast.post(work(3));  // after the other
    slow.post(work(4));
    while (queue.step(begun + std::chrono::seconds(15))) {
    }
    CHECK(seen == std::vector<int>{2, -2, 3, -3, 1, -1});
  }
  while (queue.step(queue.now() + std::chrono::seconds(60))) {
  }
  CHECK(seen.size() == 6);  // the fourth went with its executor
  CHECK(computed >= 3);
}

TEST_CASE("disks that share hold one copy of what is alike, and write to their own") {
  const auto shared = std::make_shared<SharedContents>();
  SimDisk one({.power_cuts = false, .shared = shared}),
      two({.power_cuts = false, .shared = shared});
  const std::string text(100'000, 'x');
  for (SimDisk* disk : {&one, &two})
    replace_file(*disk, "/model", view(text), Durability::power).value();
  CHECK(one.open_to_write("/model", 0600)->write_at(3, view("y")).has_value());
  CHECK(text == fed::text(read_file(two, "/model", 1 << 20).value()));
  CHECK(fed::text(read_file(one, "/model", 1 << 20).value()).substr(0, 5) == "xxxyx");
}

}  // namespace fed::sim
