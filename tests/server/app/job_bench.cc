#include "job_bench.h"

#include <functional>
#include <utility>

namespace fed::test {

BenchClient::BenchClient(Loop& control, Executor& compute, store::Staging& staging,
                         app::SessionListener& ear, std::int64_t id)
    : link_(std::make_shared<HeardLink>(control)),
      session_(std::make_shared<app::Session>(
          link_, app::KnownClient{id, "site-" + std::to_string(id)}, "test",
          app::SessionParts{control, compute, staging, ear})) {
  link_->start(session_);
  says(wire::Hello{wire::kProtocol, "test"});
}

BenchClient::~BenchClient() { link_->ear.reset(); }

void BenchClient::says(wire::Message message) { session_->on_message(std::move(message)).value(); }

void BenchClient::sends(std::uint64_t upload, std::uint64_t offset, ByteView chunk) {
  session_->on_chunk(upload, offset, chunk).value();
}

// One run of the program. What is posted is forgotten before what it refers to goes.
struct JobBench::Life final : app::SessionListener {
  Life(JobBench& bench, app::ServerState opened)
      : state(std::move(opened)),
        control(bench.queue_, mix_seed({++bench.lives_, 1}), bench.unix_offset_),
        compute(bench.queue_, mix_seed({bench.lives_, 2}),
                {std::chrono::milliseconds(1), std::chrono::milliseconds(1)}),
        services{.config = bench.server_,
                 .journal = state.journal,
                 .staging = *state.staging,
                 .checkpoints = state.checkpoints,
                 .parallel_for = aggregate::run_in_order,
                 .threads = 1,
                 .early_fold_from = 0,
                 .disk = bench.disk_,
                 .blobs = state.blobs,
                 .control = control,
                 .compute = compute,
                 .session_of = [this](std::int64_t id) { return session_of(id); },
                 .name_of = [](std::int64_t id) { return "site-" + std::to_string(id); },
                 .identity_of = [&bench](std::int64_t id) { return bench.identities[id]; },
                 .site_of = [](std::int64_t) { return nullptr; },
                 .at_rest = [](const std::string&) {}} {}

  std::shared_ptr<app::Session> session_of(std::int64_t id) const {
    const auto found = clients.find(id);
    return found == clients.end() ? nullptr : found->second.session();
  }

  void opened(std::shared_ptr<app::Session> session) override {
    job->connected(session->client().id);
  }
  void received(std::shared_ptr<app::Session> session, wire::Message message) override {
    job->received(session->client().id, std::move(message));
  }
  void uploaded(std::shared_ptr<app::Session> session, store::UploadKey key,
                Result<store::UploadFacts> facts) override {
    const std::int64_t id = session->client().id;
    const auto tell = [this, id, task = key.task, facts] { job->uploaded(id, task, facts); };
    if (held) {
      held->push_back(tell);
    } else {
      tell();
    }
  }
  void closed(std::shared_ptr<app::Session> session, Error) override {
    job->disconnected(session->client().id);
  }

  app::ServerState state;
  sim::SimLoop control;
  sim::SimExecutor compute;
  std::map<std::int64_t, BenchClient> clients;
  std::optional<std::vector<Work>> held;  // news of uploads
  app::Services services;
  std::shared_ptr<app::Job> job;
};

JobBench::JobBench(const std::string& job_text) : disk_({.seed = 1}) {
  server_.state_dir = "/state";
  plan_ = app::make_plan(config::parse_job(job_text).value()).value();
  life_ = std::make_unique<Life>(*this, app::ServerState::open(disk_, server_).value());
}

JobBench::~JobBench() = default;

void JobBench::start() {
  const std::string& name = plan_->spec.name;
  if (!journal().find_job(name)) {
    journal().add_job(name, plan_->spec.text, "running", life_->control.unix_seconds()).value();
  }
  life_->job = std::make_shared<app::Job>(plan_, life_->services);
  life_->job->start();
  pass(1);
}

void JobBench::restart() {
  life_.reset();
  disk_.restart(sim::Crash::process);
  life_ = std::make_unique<Life>(*this, app::ServerState::open(disk_, server_).value());
}

void JobBench::pass(double seconds) {
  const Instant end = queue_.now() + from_seconds(seconds);
  while (queue_.step(end)) continue;
}

BenchClient& JobBench::connect(std::int64_t client) {
  life_->clients.erase(client);
  const auto [at, added] = life_->clients.try_emplace(client, life_->control, life_->compute,
                                                      *life_->state.staging, *life_, client);
  pass(1);
  return at->second;
}

BenchClient& JobBench::client(std::int64_t client) { return life_->clients.at(client); }
app::Job& JobBench::job() { return *life_->job; }
store::Journal& JobBench::journal() { return life_->state.journal; }
store::Staging& JobBench::staging() { return *life_->state.staging; }
store::Checkpoints& JobBench::checkpoints() { return life_->state.checkpoints; }
void JobBench::hold_uploads() { life_->held.emplace(); }
void JobBench::deliver() {
  const std::vector<Work> news = std::move(*life_->held);
  life_->held.reset();
  for (const Work& tell : news) tell();
}

}  // namespace fed::test
