#include "app/local_job.h"

#include <catch2/catch.hpp>

#include "../testing.h"
#include "crypto/hash.h"
#include "train/local_trainer.h"

using namespace fed;
using namespace fed::app;
using fed::test::Scratch;

namespace {

const std::string kTable =
    "a,b,y\n1,2,0.5\n2,1,1.5\n3,5,-1\n4,4,0\n5,2,3\n6,1,5\n7,0,7\n8,3,5\n9,9,0\n0,1,-1\n";

std::string job_text(const std::string& columns = R"({"name":"a","type":"number"})",
                     const std::string& name = "trial") {
  return R"({"name":")" + name +
         R"(","model":{"type":"linear"},"rounds":{"max":3,"cohort":1},"inputs":{"columns":[)" +
         columns + R"(],"label":{"name":"y"},"scaling":"federated"}})";
}

// A job on ten rows, and a model of two weights.
struct Site {
  Site() {
    data.path = scratch.path() / "data.csv";
    data.label = "y";
    data.test_fraction = 0;
    write(kTable);
    model_file = scratch.path() / "model";
    REQUIRE(replace_file(model_file, bytes(), Durability::process));
    task.job = "trial";
    task.task = 2;
    task.base_version = 1;
    task.update_bytes = 8;
    task.model.emplace();
    task.model->hash = crypto::sha256(bytes());
    task.model->bytes = 8;
    task.means = {4.5};
    task.deviations = {2.5};
  }
  void write(const std::string& text) {
    REQUIRE(replace_file(data.path, view(text), Durability::process));
  }
  ByteView bytes() const { return as_bytes(std::span<const float>(weights)); }
  Result<std::unique_ptr<LocalJob>> open(const std::string& text = job_text()) const {
    return LocalJob::open("trial", text, data);
  }
  Result<LocalJob::Answer> train(LocalJob& job, std::stop_token stop = {}) const {
    train::LocalTrainer trainer;
    return job.train(task, fed::real_disk(), model_file, "site-1", trainer,
                     fed::crypto::random_bytes, {}, stop);
  }

  Scratch scratch;
  config::DataSpec data;
  fs::path model_file;
  std::vector<float> weights{0.5f, -1.0f};
  wire::Task task;
};

}  // namespace

TEST_CASE("a task's answer names the task and what it was trained on") {
  const Site site;
  auto job = site.open();
  REQUIRE(job);
  CHECK((*job)->examples() == 10);
  const auto answer = site.train(**job);
  REQUIRE(answer);
  CHECK(answer->offer.job == "trial");
  CHECK(answer->offer.task == 2);
  CHECK(answer->offer.base_version == 1);
  CHECK(answer->offer.examples == 10);
  CHECK(answer->bytes().size() == 8);
  const auto again = site.train(**job);  // from the rows in memory
  REQUIRE(again);
  CHECK(again->values == answer->values);
}

TEST_CASE("another scaling gives another update") {
  Site site;
  auto job = site.open();
  REQUIRE(job);
  const auto first = site.train(**job);
  site.task.means = {0};
  const auto second = site.train(**job);
  site.task.means = {4.5};
  const auto third = site.train(**job);
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(third);
  CHECK(first->values != second->values);
  CHECK(first->values == third->values);
}

TEST_CASE("the sums are those of the column") {
  Site site;
  auto job = site.open();
  REQUIRE(job);
  site.task.update_bytes = 24;
  const auto answer = (*job)->sum(site.task, crypto::random_bytes);
  REQUIRE(answer);
  CHECK(answer->sums == std::vector<double>{10, 45, 285});  // 0 + ... + 9 and their squares
  CHECK(answer->bytes().size() == 24);
  CHECK(answer->offer.metrics.empty());
}

TEST_CASE("a task that does not go with the job is refused") {
  Site site;
  auto job = site.open();
  REQUIRE(job);
  SECTION("an update of another size") { site.task.update_bytes = 12; }
  SECTION("a model of another size") { site.task.model->bytes = 12; }
  SECTION("no model") { site.task.model.reset(); }
  SECTION("more means than deviations") { site.task.means.push_back(1); }
  SECTION("more columns than the job has") {
    site.task.means.push_back(1);
    site.task.deviations.push_back(1);
  }
  SECTION("no scaling") { site.task.means = site.task.deviations = {}; }
  CHECK_FALSE(site.train(**job));
}

TEST_CASE("a stored model that is another one is refused, without its path") {
  Site site;
  auto job = site.open();
  REQUIRE(job);
  site.task.model->hash[0] ^= 1;
  const auto answer = site.train(**job);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().detail.find(site.scratch.path().string()) == std::string::npos);
}

TEST_CASE("training stops when it is told to") {
  const Site site;
  auto job = site.open();
  REQUIRE(job);
  std::stop_source stop;
  stop.request_stop();
  const auto answer = site.train(**job, stop.get_token());
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::closed);
}

TEST_CASE("what is told to the server about bad data names no cell, file or column") {
  Site site;
  SECTION("a cell") { site.write("a,b,y\nsecretvalue,2,3\n1,2,3\n"); }
  SECTION("a label") { site.write("a,b,y\n1,2,secretvalue\n1,2,3\n"); }
  SECTION("a header") { site.write("secretvalue,b,y\n1,2,3\n"); }
  SECTION("no file") { site.data.path = site.scratch.path() / "secretvalue.csv"; }
  const auto job = site.open();
  REQUIRE_FALSE(job);
  CHECK(job.error().detail.find("secretvalue") == std::string::npos);
  CHECK(job.error().detail.find(site.scratch.path().string()) == std::string::npos);
}

TEST_CASE("data that changes under a running job is found") {
  Site site;
  auto job = site.open();
  REQUIRE(job);
  site.write("a,b,y\n1,2,secretvalue\n");
  const auto answer = site.train(**job);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().detail.find("secretvalue") == std::string::npos);
}

TEST_CASE("a job under another name, or that is none, is refused") {
  const Site site;
  CHECK_FALSE(site.open("not json"));
  CHECK_FALSE(site.open(job_text(R"({"name":"a","type":"number"})", "other")));
  CHECK_FALSE(site.open(std::string(2 << 20, ' ')));
}

TEST_CASE("a model beyond this machine's memory is refused before it is made") {
  const Site site;
  const auto job = site.open(
      R"({"name":"trial","model":{"type":"mlp","hidden":[1000000,1000000]},"rounds":{"max":1,"cohort":1},)"
      R"("inputs":{"columns":[{"name":"a","type":"number"}],"label":{"name":"y"}}})");
  REQUIRE_FALSE(job);
}

TEST_CASE("what the site has not agreed to is refused, before its data is read") {
  Site site;
  config::AgreementSpec spec;
  SECTION("the name") { spec.names = {"heart-*"}; }
  SECTION("the model") { spec.models = {"mlp"}; }
  SECTION("the update") { spec.delta = false; }
  SECTION("the sums for the scaling") { spec.statistics = false; }
  SECTION("the size of an update") { spec.update_bytes_max = 4; }
  site.data.path = "/nowhere";
  const auto job = LocalJob::open("trial", job_text(), site.data, session::Agreement(spec));
  REQUIRE_FALSE(job);
  CHECK(job.error().code == ErrorCode::unsupported);
  CHECK(job.error().detail.find("this site does not agree") == 0);
}

TEST_CASE("too few rows are found when the data is read") {
  const Site site;
  config::AgreementSpec spec;
  spec.rows_min = 10;
  CHECK(LocalJob::open("trial", job_text(), site.data, session::Agreement(spec)));
  spec.rows_min = 11;
  const auto job = LocalJob::open("trial", job_text(), site.data, session::Agreement(spec));
  REQUIRE_FALSE(job);
  CHECK(job.error().detail.find("jobs.rows_min") != std::string::npos);
}

TEST_CASE("metrics that are not to leave are not in the answer, and the update is the same") {
  const Site site;
  config::AgreementSpec spec;
  spec.metrics = false;
  auto quiet = LocalJob::open("trial", job_text(), site.data, session::Agreement(spec));
  auto open = site.open();
  REQUIRE(quiet);
  REQUIRE(open);
  const auto without = site.train(**quiet), with = site.train(**open);
  REQUIRE(without);
  REQUIRE(with);
  CHECK(without->offer.metrics.empty());
  CHECK_FALSE(with->offer.metrics.empty());
  CHECK(without->values == with->values);
}

TEST_CASE("a server gets no sums that its job does not speak of") {
  Site site;
  std::string plain = job_text();
  plain.replace(plain.find("federated"), 9, "none");
  auto job = site.open(plain);
  REQUIRE(job);
  site.task.kind = wire::TaskKind::statistics;
  site.task.update_bytes = 24;
  CHECK_FALSE((*job)->sum(site.task, crypto::random_bytes));
}
