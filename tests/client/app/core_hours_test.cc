// A site's hours in the client's core: the whole of `fedclient run` but for threads, sockets and
// clocks, which the test plays.
#include <catch2/catch.hpp>
#include <map>

#include "../testing.h"
#include "app/client_core.h"
#include "app/local_time.h"
#include "support/heard_link.h"

using namespace fed;
using namespace fed::app;
using fed::test::HeardLink;
using fed::test::Scratch;

namespace {

constexpr std::int64_t kUnixStart = 1'700'000'000;

// Time passes when the test says so.
class ManualLoop final : public Loop {
 public:
  void post(Work work) override { posted_.push_back(std::move(work)); }
  Instant now() const override { return now_; }
  std::int64_t unix_seconds() const override {
    return kUnixStart + clock_jump_s + static_cast<std::int64_t>(seconds(now_ - Instant()));
  }
  Timer at(Instant when, Work then) override {
    auto pending = std::make_shared<Work>(std::move(then));
    timers_.emplace(when, pending);
    return Timer(pending);
  }

  // All that is due within the next `s` seconds.
  void pass(double s) {
    const Instant end = now_ + from_seconds(s);
    run_posted();
    while (!timers_.empty() && timers_.begin()->first <= end) {
      const auto [when, weak] = *timers_.begin();
      timers_.erase(timers_.begin());
      now_ = std::max(now_, when);
      if (const auto work = weak.lock()) (*work)();
      run_posted();
    }
    now_ = end;
  }

  std::int64_t clock_jump_s = 0;

 private:
  void run_posted() {
    while (!posted_.empty()) {
      const Work work = std::move(posted_.front());
      posted_.pop_front();
      work();
    }
  }

  Instant now_{};
  std::deque<Work> posted_;
  std::multimap<Instant, std::weak_ptr<Work>> timers_;
};

class Lines final : public Dialer {
 public:
  explicit Lines(Loop& loop) : loop_(loop) {}
  void dial(const net::Limits& limits, Duration, Dialled done) override {
    asked = limits;
    made.push_back(std::make_shared<HeardLink>(loop_));
    loop_.post(
        [link = made.back(), done = std::move(done)] { done(std::shared_ptr<net::Link>(link)); });
  }
  HeardLink& last() { return *made.back(); }

  std::vector<std::shared_ptr<HeardLink>> made;
  net::Limits asked;

 private:
  Loop& loop_;
};

// Work that waits until the test lets it run.
struct HeldWork final : Executor {
  void post(Work work) override { held.push_back(std::move(work)); }
  void release() {
    for (const Work& work : std::exchange(held, {})) work();
  }
  std::vector<Work> held;
};

struct TinyWorkload final : Workload {
  std::int64_t examples() const override { return 10; }
  std::uint64_t row_steps() const override { return 10; }
  Result<TaskAnswer> perform(const wire::Task& task, const fs::path&, const std::string&,
                             const train::Progress&, std::stop_token stop) override {
    if (stop.stop_requested()) return Error{ErrorCode::closed, "training was stopped"};
    TaskAnswer answer;
    answer.offer.job = task.job;
    answer.offer.task = task.task;
    answer.offer.examples = 10;
    answer.sums.assign(task.update_bytes / sizeof(double), 1.0);
    return answer;
  }
};
struct TinyWorkshop final : Workshop {
  Result<std::shared_ptr<Workload>> open(const std::string& name, const std::string&) override {
    if (name == "unwanted") return Error{ErrorCode::unsupported, "this site does not agree: no"};
    return std::shared_ptr<Workload>(std::make_shared<TinyWorkload>());
  }
};

// A client whose hours began now and end in ten minutes.
struct Site {
  Site() {
    spec.state_dir = scratch.path();
    spec.limits.upload_mbit_s_max = 2;
    spec.limits.download_mbit_s_max = 3;
    const int minute = local_time(kUnixStart).second / 60;
    config::HoursSpec window;
    window.from_min = minute;
    window.to_min = (minute + 10) % config::kMinutesOfDay;
    spec.limits.hours = {window};
    core.emplace(spec,
                 ClientSurroundings{real_disk(), loop, loading, training, lines, workshop,
                                    [](const std::string&) {}, [](int) {}},
                 session::Outbox::open(real_disk(), spec.state_dir / "outbox").value(),
                 session::ModelCache::open(real_disk(), spec.state_dir / "models").value(),
                 ClientCore::Options{});
    core->start();
    loop.pass(0);
    says(wire::Welcome{"site-1", "test", 0});
  }

  void says(const wire::Message& message) {
    REQUIRE(lines.last().ear->on_message(message));
    loop.pass(0);
  }
  void agrees() {
    says(wire::JobOffer{"job", "spec"});
    loading.release();
    loop.pass(0);
  }
  // A task without a model, so that it begins at once.
  void is_training(std::uint64_t bytes = 100'000) {
    wire::Task task;
    task.job = "job";
    task.task = 1;
    task.kind = wire::TaskKind::statistics;
    task.update_bytes = bytes;
    says(task);
    REQUIRE(training.held.size() == 1);
  }
  void finishes_training() {
    training.release();
    loop.pass(0);
  }

  Scratch scratch;
  config::ClientSpec spec;
  ManualLoop loop;
  HeldWork loading, training;
  Lines lines{loop};
  TinyWorkshop workshop;
  std::optional<ClientCore> core;
};

}  // namespace

TEST_CASE("a client says its limits right after Hello, and dials with its rates") {
  Site site;
  const auto& heard = site.lines.last().heard;
  REQUIRE(heard.size() == 2);
  CHECK(std::holds_alternative<wire::Hello>(heard[0]));
  const auto said = site.lines.last().all<wire::Availability>();
  REQUIRE(said.size() == 1);
  CHECK(said[0].open);
  CHECK(said[0].change_s > 540);
  CHECK(said[0].change_s <= 600);
  CHECK(said[0].upload_mbit_s == 2);
  CHECK(site.lines.asked.send_mbit_s_max == 2);
  CHECK(site.lines.asked.receive_mbit_s_max == 3);
}

TEST_CASE("the end of the hours stops a training and their beginning is told") {
  Site site;
  site.agrees();
  site.is_training();
  site.loop.pass(500);
  CHECK(site.lines.last().all<wire::Availability>().size() == 1);  // nothing new all the while
  site.loop.pass(101);
  const auto refused = site.lines.last().all<wire::TaskRefused>();
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].detail.find("this site's hours have ended (") == 0);
  const auto said = site.lines.last().all<wire::Availability>();
  REQUIRE(said.size() == 2);
  CHECK_FALSE(said[1].open);
  CHECK(said[1].change_s > 23 * 3600);
  site.finishes_training();  // it sees that it is to stop
  CHECK(site.lines.last().all<wire::Offer>().empty());
  CHECK(session::list_offers(real_disk(), site.spec.state_dir / "outbox")->empty());

  site.loop.pass(24 * 3600 - 600);
  REQUIRE(site.lines.last().all<wire::Availability>().size() == 3);
  CHECK(site.lines.last().all<wire::Availability>()[2].open);
  CHECK(site.lines.made.size() == 1);  // one connection all the time
}

TEST_CASE("an upload stops with the hours, and goes on with them") {
  Site site;
  site.agrees();
  site.is_training();
  site.finishes_training();
  REQUIRE(site.lines.last().all<wire::Offer>().size() == 1);
  site.says(wire::Admit{"job", 1, 5, 0});
  CHECK(site.lines.last().uploading);
  site.loop.pass(601);
  CHECK_FALSE(site.lines.last().uploading);
  CHECK(session::list_offers(real_disk(), site.spec.state_dir / "outbox")->size() == 1);
  site.loop.pass(24 * 3600 - 300);
  CHECK(site.lines.last().all<wire::Offer>().size() == 2);
  site.says(wire::Admit{"job", 1, 6, 50'000});
  CHECK(site.lines.last().uploading);
}

TEST_CASE("a clock that is put forward is noticed within a minute") {
  Site site;
  site.agrees();
  site.is_training();
  site.loop.clock_jump_s = 3600;
  site.loop.pass(61);
  CHECK(site.lines.last().all<wire::TaskRefused>().size() == 1);
}

TEST_CASE("a job that is declined is in the status until it has ended") {
  Site site;
  site.says(wire::JobOffer{"unwanted", "spec"});
  site.loading.release();
  site.loop.pass(0);
  const auto answers = site.lines.last().all<wire::JobAnswer>();
  REQUIRE(answers.size() == 1);
  CHECK_FALSE(answers[0].able);
  CHECK(load_status(real_disk(), site.spec.state_dir)->declined.at("unwanted") ==
        "this site does not agree: no");
  site.says(wire::JobEnded{"unwanted", ""});
  CHECK(load_status(real_disk(), site.spec.state_dir)->declined.empty());
}

TEST_CASE("who stands by sees it in the status until its task comes") {
  Site site;
  site.agrees();
  site.says(wire::Standby{"job", "round 1 asks 2 of 3 clients", 120});
  const auto status = load_status(real_disk(), site.spec.state_dir);
  CHECK(status->standby.detail == "round 1 asks 2 of 3 clients");
  CHECK(status->standby.until == kUnixStart + 120);
  site.is_training();
  CHECK(load_status(real_disk(), site.spec.state_dir)->standby.job.empty());
}
