// The client's core with the whole world played by a test: time, threads, the line, the server's
// words. Only its disk is given; the real one if nothing else is.
#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <map>

#include "../storage_key.h"
#include "../testing.h"
#include "app/client_core.h"
#include "app/local_time.h"
#include "support/heard_link.h"

namespace fed::test {

using namespace fed::app;

inline constexpr std::int64_t kUnixStart = 1'700'000'000;

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

// What a test makes of the work.
struct WorkTraits {
  bool is_hidden = false;        // updates are only seen as a sum
  std::optional<Error> fails{};  // the training does, with this
};
struct TinyWorkload final : Workload {
  explicit TinyWorkload(WorkTraits as) : traits(std::move(as)) {}
  std::optional<SecureShape> secure(wire::TaskKind) const override {
    return traits.is_hidden ? std::optional<SecureShape>(SecureShape{}) : std::nullopt;
  }
  std::int64_t examples() const override { return 10; }
  std::uint64_t row_steps() const override { return 10; }
  Result<TaskAnswer> perform(const wire::Task& task, const fs::path&, const std::string&,
                             const train::Progress&, std::stop_token stop) override {
    if (stop.stop_requested()) return Error{ErrorCode::closed, "training was stopped"};
    if (traits.fails) return *traits.fails;
    TaskAnswer answer;
    if (traits.is_hidden) answer.offer.model = crypto::Hash{};
    answer.offer.job = task.job;
    answer.offer.task = task.task;
    answer.offer.examples = 10;
    answer.sums.assign(task.update_bytes / sizeof(double), 1.0);
    return answer;
  }
  const WorkTraits traits;
};
struct TinyWorkshop final : Workshop {
  Result<std::shared_ptr<Workload>> open(const std::string& name, const std::string&) override {
    if (name == "unwanted") return Error{ErrorCode::unsupported, "this site does not agree: no"};
    return std::shared_ptr<Workload>(std::make_shared<TinyWorkload>(traits));
  }
  Status acknowledged(const std::string& job, std::int64_t task) override {
    noted.emplace_back(job, task);
    return noting;
  }
  WorkTraits traits;
  std::vector<session::UpdateKey> noted;
  Status noting;  // what comes of it
};

// A client whose hours began now and end in ten minutes.
struct Site {
  Site() : Site(real_disk()) {}
  explicit Site(Disk& on) : disk(on) {
    spec.state_dir = scratch.path();
    make_folder(disk, spec.state_dir, Durability::process).value();
    spec.limits.upload_mbit_s_max = 2;
    spec.limits.download_mbit_s_max = 3;
    const int minute = local_time(kUnixStart).second / 60;
    config::HoursSpec window;
    window.from_min = minute;
    window.to_min = (minute + 10) % config::kMinutesOfDay;
    spec.limits.hours = {window};
    core.emplace(spec,
                 ClientSurroundings{disk, loop, loading, training, lines, workshop, identity,
                                    crypto::random_bytes, [](const std::string&) {}, [](int) {}},
                 session::Outbox::open(disk, spec.state_dir / "outbox", storage_key()).value(),
                 session::ModelCache::open(disk, spec.state_dir / "models").value(),
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

  // Updates in the outbox.
  std::size_t kept() {
    const session::StorageKey key = storage_key();
    const auto listing = session::list_offers(disk, spec.state_dir / "outbox", &key).value();
    REQUIRE(listing.unreadable == 0);
    return listing.offers.size();
  }

  Disk& disk;
  Scratch scratch;
  config::ClientSpec spec;
  ManualLoop loop;
  HeldWork loading, training;
  Lines lines{loop};
  TinyWorkshop workshop;
  crypto::Ed25519KeyPair identity = crypto::Ed25519KeyPair::generate();
  std::optional<ClientCore> core;
};

}  // namespace fed::test
