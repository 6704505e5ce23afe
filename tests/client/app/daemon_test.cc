// The daemon against a server that a test plays, over a real connection.
#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "app/client_daemon.h"
#include "fake_server.h"

using namespace fed;
using namespace fed::app;
using fed::test::FakeServer;
using fed::test::Scratch;
using fed::test::Version;

namespace {

constexpr int kRows = 60;

// Two number columns and a class that follows from them.
std::string table() {
  std::string text = "a,b,outcome\n";
  for (int i = 0; i < kRows; ++i) {
    const int a = i % 7 - 3, b = i % 5 - 2;
    text += std::to_string(a) + "," + std::to_string(b) + "," + (a + b > 0 ? "1" : "0") + "\n";
  }
  return text;
}

std::string job_text(const std::string& model, const std::string& scaling = "none") {
  return R"({"name":"trial","model":)" + model +
         R"(,"training":{"epochs":2,"batch_size":8,"optimizer":{"type":"sgd","learning_rate":0.1}},)"
         R"("rounds":{"max":3,"cohort":1},"inputs":{"columns":[{"name":"a","type":"number"},)"
         R"({"name":"b","type":"number"}],"label":{"name":"outcome","classes":["0","1"]},)"
         R"("scaling":")" +
         scaling + R"("}})";
}
const std::string kSmall = R"({"type":"logistic"})";
const std::string kLarge = R"({"type":"mlp","hidden":[150,150]})";

// A client in a thread of its own.
class RunningClient {
 public:
  explicit RunningClient(const FakeServer& server) {
    spec_.server = server.address();
    spec_.server_key = to_base64url(server.public_key());
    spec_.cipher = config::ClientSpec::Cipher::chachapoly;
    spec_.state_dir = scratch_.path() / "state";
    spec_.data.path = scratch_.path() / "data.csv";
    spec_.data.label = "outcome";
    write_data(table());
    start();
  }
  ~RunningClient() {
    if (!thread_.joinable()) return;
    if (running_) std::raise(SIGTERM);  // a test has failed: the daemon would wait for ever
    thread_.join();
  }

  void write_data(const std::string& text) {
    REQUIRE(replace_file(spec_.data.path, view(text), Durability::process));
  }
  void start() {
    running_ = true;
    thread_ = std::thread([this] {
      status_ = run();
      running_ = false;
    });
  }
  // The exit status; -1: it did not even start.
  int wait() {
    thread_.join();
    return status_;
  }
  const config::ClientSpec& spec() const { return spec_; }

 private:
  int run() {
    auto keys = load_or_create_keys(fed::real_disk(), spec_.state_dir);
    if (!keys) return -1;
    auto outbox =
        session::Outbox::open(fed::real_disk(), spec_.state_dir / "outbox", storage_key(*keys));
    auto cache = session::ModelCache::open(fed::real_disk(), spec_.state_dir / "models");
    if (!outbox || !cache) return -1;
    ClientDaemon daemon(fed::real_disk(), spec_, *keys, std::move(*outbox), std::move(*cache),
                        {.once = true});
    return daemon.run();
  }

  Scratch scratch_;
  config::ClientSpec spec_;
  int status_ = -1;
  std::atomic<bool> running_ = false;
  std::thread thread_;
};

// What the job's model weighs at first, as a server would send it.
struct GlobalModel {
  explicit GlobalModel(const std::string& text)
      : job(config::parse_job(text).value()),
        model(model::make_model(job.model).value()),
        weights(model->layout().size()) {
    model->initialize(weights, 5);
  }
  Version version() const { return Version(copy(as_bytes(std::span<const float>(weights)))); }

  config::JobSpec job;
  std::unique_ptr<model::Model> model;
  tensor::Floats weights;
};

// What the client has to answer, by the layers below and without the daemon.
train::Update expected_update(const GlobalModel& global, const config::ClientSpec& spec,
                              const std::vector<data::Scaling>& scaling = {}) {
  const auto source = data::open(spec.data, expectation_of(global.job, *global.model));
  REQUIRE(source);
  const auto dataset = (*source)->load(scaling);
  REQUIRE(dataset);
  train::LocalTrainer trainer;
  const train::Task task{global.job, 1, train::task_seed(global.job, 1, "site-1")};
  auto update = trainer.train(global.weights, task, *dataset, {}, {});
  REQUIRE(update);
  return std::move(*update);
}

wire::Task training_task(const Version& version) {
  wire::Task task;
  task.job = "trial";
  task.task = 1;
  task.model = version.ref;
  task.update_bytes = version.ref.bytes;
  return task;
}

wire::Receipt accepted(std::int64_t task = 1) {
  return {"trial", task, wire::Outcome::accepted, 0, ""};
}

// Greets the client and gives it the job.
wire::JobAnswer begin(FakeServer& server, const std::string& text) {
  CHECK(server.expect<wire::Hello>().protocol == wire::kProtocol);
  server.send(wire::Welcome{"site-1", "fake", 60});
  server.send(wire::JobOffer{"trial", text});
  return server.expect<wire::JobAnswer>();
}

// Sends what a Fetch asks for.
void serve(FakeServer& server, const Version& version) {
  const auto fetch = server.expect<wire::Fetch>();
  CHECK(fetch.job == "trial");
  const std::uint64_t begin = fetch.offset / test::kChunk * channel::kSealedChunkBytes;
  server.send_sealed(version, begin, version.sealed.size());
}

void end(FakeServer& server, RunningClient& client) {
  server.send(accepted());
  server.send(wire::JobEnded{"trial", "done"});
  server.expect_close();
  CHECK(client.wait() == 0);
  CHECK(fs::is_empty(client.spec().state_dir / "outbox"));
}

double metric(const wire::Offer& offer, const std::string& name) {
  for (const auto& [key, value] : offer.metrics) {
    if (key == name) return value;
  }
  FAIL("no metric " << name);
  return 0;
}

}  // namespace

TEST_CASE("a small update rides in its offer and is what training gives") {
  FakeServer server;
  RunningClient client(server);
  const GlobalModel global(job_text(kSmall));
  const Version version = global.version();
  const auto answer = begin(server, job_text(kSmall));
  CHECK(answer.able);
  CHECK(answer.examples == kRows * 8 / 10);

  server.send(training_task(version));
  serve(server, version);
  const auto offer = server.expect<wire::Offer>();
  const train::Update expected = expected_update(global, client.spec());
  CHECK(offer.task == 1);
  CHECK(offer.base_version == 0);
  CHECK(offer.examples == expected.examples);
  CHECK(offer.body == copy(as_bytes(std::span<const float>(expected.values))));
  CHECK(offer.checksum == checksum(offer.body));
  CHECK(metric(offer, "train_loss") == expected.loss);
  REQUIRE(expected.holdout);
  CHECK(metric(offer, "loss") == expected.holdout->loss);
  CHECK(metric(offer, "accuracy") == expected.holdout->accuracy);
  CHECK(metric(offer, "holdout_examples") == kRows * 2 / 10);
  CHECK(metric(offer, "train_seconds") >= 0);
  end(server, client);

  const auto status = load_status(fed::real_disk(), client.spec().state_dir);
  REQUIRE(status);
  CHECK(status->name == "site-1");
  CHECK(status->task == 1);
  CHECK(status->last_answer.outcome == "accepted");
}

TEST_CASE("a large model arrives in chunks and its update leaves in chunks") {
  FakeServer server;
  RunningClient client(server);
  const GlobalModel global(job_text(kLarge));
  const Version version = global.version();
  REQUIRE(version.ref.bytes > test::kChunk);
  REQUIRE(begin(server, job_text(kLarge)).able);
  server.send(training_task(version));
  serve(server, version);
  const auto offer = server.expect<wire::Offer>();
  CHECK(offer.body.empty());
  CHECK(offer.bytes == version.ref.bytes);
  server.send(wire::Admit{"trial", 1, 1, 0});
  server.expect_upload(offer.bytes);
  CHECK(checksum(server.uploaded) == offer.checksum);
  const train::Update expected = expected_update(global, client.spec());
  CHECK(server.uploaded == copy(as_bytes(std::span<const float>(expected.values))));
  end(server, client);
}

TEST_CASE("an upload that breaks off goes on where the server says") {
  FakeServer server;
  RunningClient client(server);
  const Version version = GlobalModel(job_text(kLarge)).version();
  REQUIRE(begin(server, job_text(kLarge)).able);
  server.send(training_task(version));
  serve(server, version);
  const auto offer = server.expect<wire::Offer>();
  server.hang_up_at = 1;
  server.send(wire::Admit{"trial", 1, 1, 0});
  server.expect_close();
  REQUIRE(server.uploaded.size() < offer.bytes);
  server.hang_up_at = SIZE_MAX;

  server.expect<wire::Hello>();
  server.send(wire::Welcome{"site-1", "fake", 60});
  const auto again = server.expect<wire::Offer>();  // without having trained again
  CHECK(again.checksum == offer.checksum);
  server.upload = 2;
  server.send(wire::Admit{"trial", 1, 2, server.uploaded.size()});
  server.expect_upload(offer.bytes);
  CHECK(checksum(server.uploaded) == offer.checksum);
  CHECK(server.connections == 2);
  end(server, client);
}

TEST_CASE("a download that breaks off goes on at the next chunk") {
  FakeServer server;
  RunningClient client(server);
  const Version version = GlobalModel(job_text(kLarge)).version();
  REQUIRE(begin(server, job_text(kLarge)).able);
  server.send(training_task(version));
  CHECK(server.expect<wire::Fetch>().offset == 0);
  server.send_sealed(version, 0, channel::kSealedChunkBytes + 100);
  server.finish();

  REQUIRE(begin(server, job_text(kLarge)).able);
  server.send(training_task(version));
  const auto fetch = server.expect<wire::Fetch>();
  CHECK(fetch.offset == test::kChunk);
  server.send_sealed(version, channel::kSealedChunkBytes, version.sealed.size());
  server.expect<wire::Offer>();
  end(server, client);
}

TEST_CASE("a damaged download is fetched again, from the start") {
  FakeServer server;
  RunningClient client(server);
  const Version version = GlobalModel(job_text(kLarge)).version();
  Version damaged = version;
  damaged.sealed[1000] ^= 1;
  REQUIRE(begin(server, job_text(kLarge)).able);
  server.send(training_task(version));
  serve(server, damaged);
  const auto fetch = server.expect<wire::Fetch>();
  CHECK(fetch.offset == 0);
  server.send_sealed(version, 0, version.sealed.size());
  CHECK(server.expect<wire::Offer>().bytes == version.ref.bytes);
  CHECK(server.connections == 1);
  end(server, client);
}

TEST_CASE("a model that never arrives whole is refused") {
  FakeServer server;
  RunningClient client(server);
  Version version = GlobalModel(job_text(kSmall)).version();
  version.ref.hash[0] ^= 1;
  REQUIRE(begin(server, job_text(kSmall)).able);
  server.send(training_task(version));
  for (int i = 0; i < 3; ++i) serve(server, version);
  CHECK(server.expect<wire::TaskRefused>().task == 1);
  server.send(wire::JobEnded{"trial", "cancelled"});
  server.expect_close();
  CHECK(client.wait() == 0);
}

TEST_CASE("another model is not mistaken for the one that is still arriving") {
  FakeServer server;
  RunningClient client(server);
  const Version first = GlobalModel(job_text(kLarge)).version();
  GlobalModel later(job_text(kLarge));
  later.weights[0] += 1;
  const Version second = later.version();
  REQUIRE(begin(server, job_text(kLarge)).able);
  server.send(training_task(first));
  server.expect<wire::Fetch>();
  server.send_sealed(first, 0, 1000);
  wire::Task next = training_task(second);
  next.task = 2;
  next.base_version = 1;
  server.send(next);
  server.expect_close();  // a new connection has no old bytes on it
  REQUIRE(begin(server, job_text(kLarge)).able);
  server.send(next);
  CHECK(server.expect<wire::Fetch>().version == 1);
  server.send_sealed(second, 0, second.sealed.size());
  CHECK(server.expect<wire::Offer>().task == 2);
  server.send(accepted(2));
  server.send(wire::JobEnded{"trial", "done"});
  server.expect_close();
  CHECK(client.wait() == 0);
}

TEST_CASE("federated scaling: sums of the training rows, then training on the scaled ones") {
  FakeServer server;
  RunningClient client(server);
  const std::string text = job_text(kSmall, "federated");
  const GlobalModel global(text);
  REQUIRE(begin(server, text).able);
  wire::Task sums;
  sums.job = "trial";
  sums.kind = wire::TaskKind::statistics;
  sums.update_bytes = 6 * sizeof(double);
  server.send(sums);
  const auto offer = server.expect<wire::Offer>();
  REQUIRE(offer.body.size() == 6 * sizeof(double));
  CHECK(offer.metrics.empty());
  std::vector<double> values(6);
  std::memcpy(values.data(), offer.body.data(), offer.body.size());
  CHECK(values[0] == static_cast<double>(offer.examples));
  CHECK(values[3] == static_cast<double>(offer.examples));
  CHECK(values[2] * values[0] >= values[1] * values[1]);
  server.send(accepted(0));

  const Version version = global.version();
  wire::Task task = training_task(version);
  task.means = {0.5, -0.25};
  task.deviations = {2, 1.5};
  server.send(task);
  serve(server, version);
  const auto update = server.expect<wire::Offer>();
  const auto expected = expected_update(global, client.spec(), {{0.5, 2}, {-0.25, 1.5}});
  CHECK(update.body == copy(as_bytes(std::span<const float>(expected.values))));
  end(server, client);
}

TEST_CASE("data that does not fit: the server learns that, and not one cell") {
  FakeServer server;
  RunningClient client(server);
  client.write_data("a,b,outcome\n1,secretvalue,0\n2,3,1\n");
  const auto answer = begin(server, job_text(kSmall));
  CHECK_FALSE(answer.able);
  CHECK_FALSE(answer.detail.empty());
  CHECK(answer.detail.find("secretvalue") == std::string::npos);
  CHECK(answer.detail.find("data.csv") == std::string::npos);
  server.send(wire::JobEnded{"trial", ""});
  server.expect_close();
  CHECK(client.wait() == 0);
}

TEST_CASE("a job that makes no sense is refused with its problems") {
  const std::string text = GENERATE(as<std::string>(), "", "{}", R"({"name":"trial","model":{}})",
                                    R"({"name":"other","model":{"type":"linear","inputs":2},)"
                                    R"("rounds":{"max":1,"cohort":1}})");
  FakeServer server;
  RunningClient client(server);
  const auto answer = begin(server, text);
  CHECK_FALSE(answer.able);
  CHECK_FALSE(answer.detail.empty());
  server.send(wire::JobEnded{"trial", ""});
  server.expect_close();
  CHECK(client.wait() == 0);
}

TEST_CASE("an update that is put off is offered again") {
  FakeServer server;
  RunningClient client(server);
  const Version version = GlobalModel(job_text(kSmall)).version();
  REQUIRE(begin(server, job_text(kSmall)).able);
  server.send(training_task(version));
  serve(server, version);
  const auto offer = server.expect<wire::Offer>();
  server.send(wire::Retry{"trial", 1, "no room", 0});
  CHECK(server.expect<wire::Offer>().checksum == offer.checksum);
  end(server, client);
}

TEST_CASE("a refusal is shown") {
  FakeServer server;
  RunningClient client(server);
  const Version version = GlobalModel(job_text(kSmall)).version();
  REQUIRE(begin(server, job_text(kSmall)).able);
  server.send(training_task(version));
  serve(server, version);
  server.expect<wire::Offer>();
  server.send(wire::Receipt{"trial", 1, wire::Outcome::refused, 3, "too large a norm"});
  server.send(wire::JobEnded{"trial", ""});
  server.expect_close();
  CHECK(client.wait() == 0);
  const auto status = load_status(fed::real_disk(), client.spec().state_dir);
  REQUIRE(status);
  CHECK(status->last_refusal.outcome == "refused");
  CHECK(status->last_refusal.detail == "too large a norm");
}

TEST_CASE("with --once, a Bye for good is exit status 1 and another one is not the end") {
  FakeServer server;
  RunningClient client(server);
  server.expect<wire::Hello>();
  server.send(wire::Bye{"the server restarts", true});
  server.hang_up();
  server.expect<wire::Hello>();
  server.send(wire::Bye{"this client was revoked", false});
  server.expect_close();
  CHECK(client.wait() == 1);
}

TEST_CASE("an update in the outbox is sent by the next process") {
  FakeServer server;
  const Version version = GlobalModel(job_text(kSmall)).version();
  RunningClient client(server);
  REQUIRE(begin(server, job_text(kSmall)).able);
  server.send(training_task(version));
  serve(server, version);
  const auto offer = server.expect<wire::Offer>();
  server.send(wire::Bye{"stop here", false});
  server.expect_close();
  REQUIRE(client.wait() == 1);

  client.start();
  server.expect<wire::Hello>();
  server.send(wire::Welcome{"site-1", "fake", 60});
  const auto again = server.expect<wire::Offer>();
  CHECK(again.body == offer.body);
  end(server, client);
}
