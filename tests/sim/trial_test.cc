// A trial gives the same bits on any number of threads, and what it trains is what its parts give
// by hand.
#include "trial.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../client/testing.h"
#include "app/local_job.h"
#include "aside.h"
#include "base/log.h"
#include "coding/job_noise.h"
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

// Six sites, the noise of at least five of them in a sum.
Json noisy_json(const std::string& mechanism, double noise, double epsilon_max,
                std::int64_t rounds) {
  Json job = job_json(rounds);
  job["inputs"]["scaling"] = "none";
  job["aggregation"] = {{"weighting", "uniform"}};
  job["rounds"]["contributions"]["min"] = 5;
  job["privacy"] = {{"mechanism", mechanism},
                    {"clipping_norm", 2},
                    {"noise_multiplier", noise},
                    {"epsilon_max", epsilon_max}};
  if (mechanism == "distributed_gaussian") job["secure_aggregation"] = Json::object();
  return job;
}

privacy::PlanRequest asked(const config::JobSpec& job, std::uint64_t coordinates = 6) {
  return coding::plan_request(job, coordinates).value();
}

double epsilon_of(const config::JobSpec& job, std::uint64_t rounds) {
  privacy::PlanRequest request = asked(job);
  request.rounds = rounds;
  return privacy::make_plan(request).value().guarantee.epsilon;
}

// What a site's ledger has beside the server's answers.
std::string entries(const std::string& ledger) {
  std::istringstream lines(ledger);
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    if (!line.ends_with(" accepted")) kept += line + "\n";
  }
  return kept;
}

std::size_t lines(const std::string& ledger) {
  const std::string text = entries(ledger);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_CASE("trial: noise of clients is on both sides' ledgers, as the plan has it") {
  for (const char* mechanism : {"distributed_gaussian", "local_gaussian", "local_laplace"}) {
    CAPTURE(mechanism);
    Setting setting(3, noisy_json(mechanism, 3, 1000, 3));
    const TrialResult result = setting.run(2);
    REQUIRE(result.version == 3);
    REQUIRE(result.ledger.size() == 3);
    for (const store::LedgerRow& row : result.ledger) CHECK(row.cost.mechanism == mechanism);
    const double expected = epsilon_of(setting.options.job, 3);
    CHECK(result.rounds.back().epsilon.value() == Approx(expected).epsilon(1e-12));
    const std::string noise =
        mechanism == std::string("distributed_gaussian")
            ? fmt::format("3 distributed_gaussian 5 6 65536 {}", std::exp(-0.5))
            : fmt::format("3 {}", mechanism);
    std::string entered;
    for (int task = 1; task <= 3; ++task) entered += fmt::format("clouds {} {}\n", task, noise);
    for (const std::string& site : result.site_ledgers) {
      CHECK(entries(site) == entered);
      CHECK_THAT(site, Catch::Contains("clouds 2 accepted\n"));
    }
    // Nothing but the vector leaves a site.
    for (const TrialRound& round : result.rounds) CHECK(round.metrics == "{}");
    CHECK(setting.run(1).model == result.model);
  }
}

TEST_CASE("trial: noise of clients is drawn anew for every sum, and paid for") {
  Setting setting(6, noisy_json("distributed_gaussian", 3, 1e6, 6));
  setting.options.speeds.dropout = 0.3;
  setting.options.speeds.offline_s = 100;
  setting.options.seed = 4;
  const TrialResult result = setting.run(1);
  REQUIRE(result.version == 6);
  std::size_t most = 0;
  for (const std::string& site : result.site_ledgers) most = std::max(most, lines(site));
  for (const TrialRound& round : result.rounds) CHECK(round.accepted >= 5);
  CHECK(result.ledger.size() == 6);
  CHECK(most >= 6);
}

TEST_CASE("trial: a budget that is spent ends the job with its last model") {
  Json job = noisy_json("distributed_gaussian", 3, 1000, 50);
  const config::JobSpec spec = config::parse_job(job.dump()).value();
  job["privacy"]["epsilon_max"] = (epsilon_of(spec, 4) + epsilon_of(spec, 5)) / 2;
  const TrialResult result = Setting(50, job).run(1);
  CHECK(result.state == "finished");
  CHECK(result.version == 4);
  CHECK(result.detail.find("epsilon_max") != std::string::npos);
}

TEST_CASE("trial: a site whose own limit is spent takes part no more") {
  for (const char* mechanism : {"distributed_gaussian", "local_laplace"}) {
    Setting setting(4, noisy_json(mechanism, 3, 1000, 4));
    const double limit =
        (epsilon_of(setting.options.job, 2) + epsilon_of(setting.options.job, 3)) / 2;
    setting.options.privacy_limits[2] = {.epsilon_max = limit, .delta = 1e-5};
    const TrialResult result = setting.run(1);
    REQUIRE(result.version == 4);
    CHECK(lines(result.site_ledgers[2]) == 2);
    CHECK(lines(result.site_ledgers[1]) == 4);
    CHECK(result.rounds[1].accepted == kClients);
    CHECK(result.rounds[2].accepted == kClients - 1);
  }
}

TEST_CASE("trial: a clipping norm that adapts comes to where the updates are") {
  for (const char* mechanism : {"distributed_gaussian", "local_gaussian", "central_gaussian"}) {
    CAPTURE(mechanism);
    Json job = noisy_json(mechanism, 0.01, 1e6, 12);
    job["privacy"]["clipping_norm"] = 60;
    job["privacy"]["adaptive"] = {{"learning_rate", 1}, {"count_noise", 0.1}};
    Setting setting(12, job);
    const TrialResult result = setting.run(2);
    REQUIRE(result.version == 12);
    std::vector<double> norms{60};
    for (const TrialRound& round : result.rounds) {
      CHECK(round.accepted == kClients);
      norms.push_back(Json::parse(round.metrics)["clipping_norm"].get<double>());
    }
    // All are within it at first: the logarithm moves by the learning rate times a half, and noise.
    for (std::size_t i = 1; i <= 3; ++i) {
      CHECK(std::log(norms[i - 1] / norms[i]) == Approx(0.5).margin(0.25));
    }
    CHECK(norms.back() < 5);
    CHECK(norms.back() > 0.01);
    // What a round costs does not depend on the norm.
    privacy::PlanRequest request = asked(setting.options.job);
    request.rounds = 12;
    CHECK(result.rounds.back().epsilon.value() ==
          Approx(privacy::make_plan(request).value().guarantee.epsilon).epsilon(1e-12));
    if (mechanism != std::string("distributed_gaussian")) continue;
    CHECK(request.distributed.dimension == 7);
    CHECK(setting.run(1).model == result.model);
  }
}

std::vector<float> weights_in(const Setting& setting) {
  const auto reader =
      tensor::SafetensorsReader::open(setting.scratch.path() / "model.safetensors").value();
  std::vector<float> all;
  for (const auto& entry : reader.entries()) {
    std::vector<float> part((entry.end - entry.begin) / sizeof(float));
    reader.read(entry, as_writable_bytes(std::span(part))).value();
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

TEST_CASE("trial: next to no noise gives next to the same model") {
  Json job = noisy_json("distributed_gaussian", 0.01, 1e6, 3);
  Setting noisy(3, job);
  REQUIRE(noisy.run(1).version == 3);
  job.erase("privacy");
  job["quantisation"] = {{"clipping_norm", 2}};
  Setting quiet(3, job);
  REQUIRE(quiet.run(1).version == 3);
  const auto one = weights_in(noisy), two = weights_in(quiet);
  REQUIRE(one.size() == 6);
  REQUIRE(two.size() == 6);
  double apart = 0, length = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    apart = std::max(apart, std::fabs(double{one[i]} - double{two[i]}));
    length = std::max(length, std::fabs(double{two[i]}));
  }
  CHECK(apart > 0);
  // A round's noise has a deviation of 0.01 x 2 / sqrt(5 x 6) in each weight.
  CHECK(apart < 0.05);
  CHECK(length > 0.3);
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
