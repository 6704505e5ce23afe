// A job with noise of this client: what leaves, what it costs, and what is asked of a sum.
#include <catch2/catch.hpp>
#include <cmath>

#include "../testing.h"
#include "app/local_job.h"
#include "coding/job_codec.h"
#include "crypto/hash.h"
#include "secagg/packing.h"
#include "sim/sim_disk.h"
#include "train/local_trainer.h"

namespace fed::app {
namespace {

constexpr std::size_t kInputs = 2;

std::string job_text(const std::string& mechanism, double noise, const std::string& more) {
  const std::string sum =
      mechanism == "distributed_gaussian" ? R"(,"secure_aggregation":{"corrupted":0.1})" : "";
  return R"({"name":"trial","model":{"type":"linear","inputs":2},
"rounds":{"max":3,"cohort":20,"contributions":{"min":8}},"aggregation":{"weighting":"uniform"},
"privacy":{"mechanism":")" +
         mechanism + R"(","clipping_norm":1,"noise_multiplier":)" + std::to_string(noise) +
         R"(,"epsilon_max":1000)" + more + "}" + sum + "}";
}

struct Site {
  test::Scratch scratch;
  config::DataSpec data;
  fs::path model_file;
  std::vector<float> weights{0.5f, -1.0f, 0.25f};
  wire::Task task;
  sim::SimDisk disk{{.seed = 1}};
  config::PrivacyAgreementSpec limit;
  std::unique_ptr<PrivacyLedger> ledger;
  std::unique_ptr<LocalJob> job;

  explicit Site(const std::string& mechanism, double noise = 2,
                const config::PrivacyAgreementSpec& own = {}, const std::string& more = "")
      : limit(own) {
    make_durable_folder(disk, "/state", Durability::power).value();
    ledger = std::make_unique<PrivacyLedger>(disk, "/state/privacy.ledger", limit);
    data.path = scratch.path() / "data.csv";
    data.label = "y";
    data.test_fraction = 0.25;
    replace_file(data.path, view("a,b,y\n1,2,0.5\n2,1,1.5\n3,5,-1\n4,4,0\n"), Durability::process)
        .value();
    model_file = scratch.path() / "model";
    replace_file(model_file, bytes(), Durability::process).value();
    job = LocalJob::open("trial", job_text(mechanism, noise, more), data, {}, ledger.get()).value();
    task.job = "trial";
    task.task = 2;
    task.base_version = 1;
    task.model.emplace();
    task.model->hash = crypto::sha256(bytes());
    task.model->bytes = weights.size() * sizeof(float);
    task.update_bytes = coding::packed_bytes(coding::shape_of(codec()));
  }
  ByteView bytes() const { return as_bytes(std::span<const float>(weights)); }
  secagg::Codec codec() const {
    return coding::codec_of(job->spec(), kInputs + 1, task.base_version).value();
  }
  Result<LocalJob::Answer> train() const {
    train::LocalTrainer trainer;
    return job->train(task, real_disk(), model_file, "site-1", trainer, crypto::random_bytes, {},
                      {});
  }
};

TEST_CASE("noise of this client: nothing but the vector is told") {
  for (const char* mechanism : {"local_gaussian", "local_laplace", "distributed_gaussian"}) {
    const Site site(mechanism);
    const auto answer = site.train().value();
    CHECK(answer.offer.examples == 1);
    CHECK(answer.offer.metrics.empty());
    CHECK(site.job->hides_rows());
    CHECK(site.job->row_steps() == 1000);
    CHECK(site.codec().length() == kInputs + 1 + 1);
  }
}

TEST_CASE("noise of this client: what it adds by itself is drawn and paid for with each training") {
  for (const char* mechanism : {"local_gaussian", "local_laplace"}) {
    const Site site(mechanism);
    const auto first = site.train().value();
    const auto second = site.train().value();
    CHECK(first.coded != second.coded);
    CHECK(site.ledger->entries().value() == 2);
  }
}

TEST_CASE("noise of this client: its share of a sum's is drawn and paid for with each input") {
  const Site site("distributed_gaussian");
  const auto answer = site.train().value();
  CHECK(site.ledger->entries().value() == 0);
  const SecureShape shape = site.job->secure(wire::TaskKind::training).value();
  REQUIRE(shape.noise);
  // The update that is kept is clipped, rounded and without noise.
  secagg::Words kept = secagg::zero_words(shape.modulus_bits, shape.length);
  secagg::add_packed(answer.coded, shape.modulus_bits, kept);
  const auto mean = site.codec().decode(kept);
  double squares = 0;
  for (const float each : mean.update) squares += double{each} * double{each};
  CHECK(std::sqrt(squares) > 0.1);
  CHECK(std::sqrt(squares) < 1.001);
  shape.pay(2).value();
  CHECK(site.ledger->entries().value() == 1);
  auto source = privacy::RandomSource::seeded(1);
  secagg::Words one = kept, two = kept;
  shape.noise->add(one, source);
  shape.noise->add(two, source);
  CHECK(one != two);
  CHECK(site.codec().decode(one).weight == 1);
}

TEST_CASE("noise of this client: a limit that is spent stops the training before it begins") {
  for (const char* mechanism : {"local_gaussian", "local_laplace", "distributed_gaussian"}) {
    // However little noise the server asks for: what counts is what that costs.
    const Site site(mechanism, 0.01, {.epsilon_max = 50, .delta = 1e-5});
    const auto refused = site.train();
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == ErrorCode::unsupported);
    CHECK_THAT(refused.error().detail, Catch::Contains("jobs.privacy.epsilon_max"));
    CHECK(site.ledger->entries().value() == 0);
    if (site.job->secure(wire::TaskKind::training))
      CHECK_FALSE(site.job->secure(wire::TaskKind::training)->pay(2).has_value());
  }
}

TEST_CASE("noise of this client: the job's own budget is kept, whatever the server says of it") {
  // One training costs this much of the 1000 that the job may: so a few of them fit.
  privacy::PlanRequest request;
  request.mechanism = privacy::Mechanism::local_gaussian;
  request.noise_multiplier = 0.05;
  const auto cost = privacy::round_cost(request, 0.05).value();
  const auto paid = privacy::rounds_within({1000, 1e-5}, cost).value();
  REQUIRE(paid >= 2);
  Site site("local_gaussian", 0.05, {}, R"(,"delta":1e-5)");
  for (std::uint64_t drawn = 0; drawn < paid; ++drawn) CHECK(site.train().has_value());
  const auto refused = site.train();
  REQUIRE(refused.has_error());
  CHECK(refused.error().code == ErrorCode::unsupported);
  CHECK_THAT(refused.error().detail, Catch::Contains("the job's privacy budget is spent") &&
                                         Catch::Contains("privacy.epsilon_max"));
  CHECK(site.ledger->entries().value() == paid);
}

TEST_CASE("noise of this client: what the server counts is entered before anything is trained") {
  for (const char* mechanism : {"local_gaussian", "distributed_gaussian"}) {
    Site site(mechanism);
    site.task.task = 4;
    site.task.privacy_tasks = {1, 3};
    const std::uint64_t drawn = site.job->secure(wire::TaskKind::training) ? 0 : 1;
    site.train().value();
    CHECK(site.ledger->lost().value() == 2);
    CHECK(site.ledger->entries().value() == 2 + drawn);
    // It cannot be: nothing is trained.
    site.task.task = 9;
    site.task.privacy_tasks = {1, 3, 7};
    const auto next = site.disk.operations() + 1;
    site.disk.set_faults({.fail_at = {next, next + 1, next + 2}});
    CHECK(site.train().has_error());
    site.disk.set_faults({});
    CHECK(site.ledger->lost().value() == 2);
  }
}

TEST_CASE("noise of this client: each sum that is tried costs again, until it is accepted") {
  const Site site("distributed_gaussian");
  const SecureShape shape = site.job->secure(wire::TaskKind::training).value();
  shape.pay(2).value();
  shape.pay(2).value();  // another mask
  CHECK(site.ledger->entries().value() == 2);
  const privacy::PlanRequest request = shape.noise->request();
  const auto cost = privacy::round_cost(request, *request.noise_multiplier).value();
  CHECK(site.ledger->epsilon().value() ==
        Approx(privacy::epsilon_at(cost.times(2), site.limit.delta)->epsilon));
  site.ledger->acknowledge("trial", 2).value();
  CHECK(shape.pay(2).error().code == ErrorCode::unsupported);
  CHECK_THAT(site.train().error().detail, Catch::Contains("restored from a backup"));
  CHECK(shape.pay(3).has_value());
}

TEST_CASE("noise of this client: a ledger that cannot be written lets nothing out") {
  Site site("local_gaussian");
  site.train().value();
  const auto next = site.disk.operations() + 1;
  site.disk.set_faults({.fail_at = {next, next + 1, next + 2}});
  CHECK(site.train().has_error());
}

TEST_CASE("a norm that adapts is the task's, and what the update starts from") {
  const Site site("distributed_gaussian");
  CHECK(site.train().value().offer.model == site.task.model->hash);
  Site lied("distributed_gaussian");
  lied.task.clipping_norm = 3;
  CHECK(lied.train().error().code == ErrorCode::mismatch);
  Site adaptive("distributed_gaussian", 2, {}, R"(,"adaptive":{"count_noise":3})");
  CHECK(adaptive.train().error().code == ErrorCode::mismatch);
  adaptive.task.clipping_norm = 0.25;
  const auto answer = adaptive.train().value();
  CHECK(answer.offer.model == coding::start_of(adaptive.task.model->hash, 0.25));
  CHECK(answer.offer.model != adaptive.task.model->hash);
}

TEST_CASE("a sum needs the survivors that the job's noise was sized for, or the site's more") {
  const Site site("distributed_gaussian");
  const SecureShape shape = site.job->secure(wire::TaskKind::training).value();
  CHECK(shape.survivors_min == 8);
  const auto answer = site.train().value();
  config::SecureAgreementSpec agreement;
  secagg::Demands demands = demands_of(shape, agreement, answer.offer, 1);
  CHECK(demands.survivors_min == 8);
  CHECK(demands.clients_min == 8);
  CHECK(demands.clients_max == 20);
  agreement.clients_min = 12;
  demands = demands_of(shape, agreement, answer.offer, 1);
  CHECK(demands.survivors_min == 12);
  CHECK(demands.clients_min == 12);
  // 2 of 20 may tell their noise.
  CHECK(shape.noise->request().distributed.survivors_min == 6);
}

}  // namespace
}  // namespace fed::app
