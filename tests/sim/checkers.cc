#include <fmt/format.h>

#include <map>
#include <set>

#include "app/local_time.h"
#include "checker.h"
#include "session/site.h"

namespace fed::sim {
namespace {

class Versions final : public Checker {
 public:
  const char* name() const override { return "versions"; }

  std::string after_step(World& world) override {
    if (!world.server().up()) return {};
    for (const auto& [name, job] : world.server().coordinator().jobs()) {
      if (!job->is_loaded()) continue;
      const std::int64_t version = job->version();
      std::int64_t& last = last_[name];
      if (version != last && version != last + 1) {
        return fmt::format("{} went from version {} to {}", name, last, version);
      }
      last = version;
    }
    return {};
  }

  std::string at_end(World& world) override {
    for (const auto& [name, job] : world.server().coordinator().jobs()) {
      const auto row = world.server().journal().find_job(name);
      if (!row || row->version != last_[name]) return name + ": the journal has another version";
      const auto history = world.server().journal().history(name);
      if (!history) return name + ": the journal cannot be read";
      std::int64_t commits = 0;
      for (const store::RoundRow& round : *history) {
        if (round.state == "committed" && round.round > 0) ++commits;
      }
      if (commits != row->version) {
        return fmt::format("{} is at version {} after {} commits", name, row->version, commits);
      }
    }
    return {};
  }

 private:
  std::map<std::string, std::int64_t> last_;
};

class Limits final : public Checker {
 public:
  explicit Limits(const LimitShares& shares) : shares_(shares) {}

  const char* name() const override { return "limits"; }

  std::string after_step(World& world) override {
    for (std::size_t i = 0; i < world.clients(); ++i) {
      const auto [waiting, most] = world.client(i).waiting();
      if (above(waiting, shares_.client_link, most))
        return fmt::format("site-{} has {} bytes waiting", i + 1, waiting);
    }
    for (const auto& cable : world.network().cables()) {
      for (const Side side : {client_side, server_side}) {
        if (above(cable->under_way(side), shares_.window, cable->window()))
          return "more is under way than the window";
      }
    }
    if (!world.server().up()) return {};
    for (const auto& [name, job] : world.server().coordinator().jobs()) {
      if (!job->is_loaded()) continue;
      const auto age = static_cast<std::size_t>(job->version() - job->oldest_version());
      // One that has become too stale is held until the next commit.
      const auto most = static_cast<std::size_t>(job->plan().spec.rounds.staleness.max + 1);
      if (above(age, shares_.versions, most))
        return fmt::format("{} holds a model that is {} versions old", name, age);
    }
    const std::uint64_t staged = world.server().staging().bytes_reserved();
    const std::uint64_t most = staged_max(world);
    if (most > 0 && staged > most)
      return fmt::format("{} bytes are staged, at most {} may be", staged, most);
    return world.server().check_links(shares_.server_link);
  }

 private:
  static bool above(std::size_t value, double share, std::size_t limit) {
    return static_cast<double>(value) > share * static_cast<double>(limit);
  }

  // Of each job as many updates as are open or wait for their version: of a round everybody there,
  // of an asynchronous job twice those at work and those that make a version.
  static std::uint64_t staged_max(World& world) {
    std::uint64_t most = 0;
    for (const auto& [name, job] : world.server().coordinator().jobs()) {
      const auto bytes = std::max(job->plan().update_bytes(round::TaskKind::training),
                                  job->plan().update_bytes(round::TaskKind::statistics));
      const config::RoundsSpec& rounds = job->plan().spec.rounds;
      const std::int64_t updates = std::max<std::int64_t>(
          2 * (rounds.cohort + rounds.contributions_goal),
          static_cast<std::int64_t>(world.clients() + world.scenario().hostile));
      most += bytes * static_cast<std::uint64_t>(updates);
    }
    return most;
  }

  const LimitShares shares_;
};

class Revoked final : public Checker {
 public:
  const char* name() const override { return "revoked"; }

  std::string after_step(World& world) override {
    if (!world.server().up()) return {};
    for (const std::int64_t id : world.revoked_ids()) {
      if (world.server().coordinator().session_of(id)) {
        return world.server().coordinator().name_of(id) + " is revoked and has a session";
      }
    }
    return {};
  }
};

class Orders final : public Checker {
 public:
  const char* name() const override { return "orders"; }

  std::string after_step(World& world) override {
    if (!world.server().up()) return {};
    for (const auto& [name, ordered] : world.ordered()) {
      const auto job = world.server().coordinator().job(name);
      if (!job || !job->is_loaded() || job->state() == ordered) continue;
      // What is in flight is still committed, and may be the last version.
      if (job->state() == round::JobState::finished && ordered == round::JobState::paused) continue;
      return fmt::format("{} is {}, but the operator was told that it is {}", name,
                         round::name(job->state()), round::name(ordered));
    }
    return {};
  }
};

class Sites final : public Checker {
 public:
  const char* name() const override { return "sites"; }

  std::string after_step(World& world) override {
    for (std::size_t i = 0; i < world.clients(); ++i) {
      const app::ClientCore* core = world.client(i).core();
      const bool at_work = core != nullptr && core->session().active() != nullptr;
      if (at_work && !core->session().open())
        return fmt::format("site-{} rests and has a task at work", i + 1);
      if (!at_work || is_open(world.client(i))) {
        closed_.erase(i);
      } else if (world.queue().now() - closed_.try_emplace(i, world.queue().now()).first->second >
                 kNoticed) {
        return fmt::format("site-{} has a task at work outside its hours", i + 1);
      }
    }
    return {};
  }

  std::string at_end(World& world) override {
    for (const auto& [id, update] : world.ledger().all_trained()) {
      const auto job = world.server().coordinator().job(id.job);
      if (world.is_hostile(id.client) || !job) continue;
      const ClientNode::Traits& traits = world.client(id.client).traits();
      const session::Agreement agreement(traits.spec.jobs);
      const bool agreed = agreement.check(job->plan().spec, 0).has_value() &&
                          agreement.check_rows(traits.site.examples).has_value();
      if (!agreed)
        return fmt::format("site-{} has trained {} and declines it", id.client + 1, id.job);
    }
    return {};
  }

 private:
  // A clock that jumps is noticed within a minute.
  static constexpr auto kNoticed = std::chrono::seconds(61);

  static bool is_open(ClientNode& client) {
    const config::SiteLimitsSpec& limits = client.traits().spec.limits;
    return limits.hours.empty() ||
           session::Site(limits).availability(app::local_time(client.unix_seconds())).open;
  }

  std::map<std::size_t, Instant> closed_;  // of those at work: since when its hours are over
};

class Answers final : public Checker {
 public:
  const char* name() const override { return "answers"; }

  std::string at_end(World& world) override {
    const std::string wrong = check_told(world);
    return wrong.empty() ? check_offered(world) : wrong;
  }

 private:
  // The number is the ledger's: after the sites come those who do not keep to the protocol.
  static std::string text(const UpdateId& id) {
    return fmt::format("site-{}'s update of {} task {}", id.client + 1, id.job, id.task);
  }

  std::string check_told(World& world) {
    for (const auto& [name, job] : world.server().coordinator().jobs()) load(world, *job);
    std::map<UpdateId, Told> last;
    for (const Told& told : world.ledger().told()) {
      last[told.update] = told;
      answered_.insert(told.update);
      if (told.outcome == wire::Outcome::accepted) {
        UpdateId any = told.update;
        any.checksum = {};
        // Of a hostile client's updates for one task it cannot be said which one was answered.
        const bool there = accepted_.contains(told.update) ||
                           (world.is_hostile(any.client) && accepted_tasks_.contains(any));
        if (!there && !discarded_.contains(any)) {
          return text(told.update) + " was acknowledged and is not on record";
        }
      } else if (told.detail.empty()) {
        return text(told.update) + " was not accepted, without a word";
      }
    }
    // The same bytes may have been refused before, with a lie beside them.
    for (const auto& [id, told] : last) {
      if (told.outcome == wire::Outcome::accepted || world.is_hostile(id.client)) continue;
      if (!accepted_.contains(id)) continue;
      // In a sum is also who was revoked after it had handed in its input, and hears no more; what
      // it was told before is of another training for the task.
      if (id.checksum == Checksum() && world.is_revoked(id.client)) continue;
      return text(id) + " is counted, and the last that its client has heard is: " + told.detail;
    }
    return {};
  }

  void load(World& world, const app::Job& job) {
    const std::int64_t rounds = job.version() + 1;
    for (std::int64_t round = 0; round <= rounds; ++round) {
      const auto rows = world.server().journal().contributions(job.name(), round);
      if (rows) add(world, job, *rows);
    }
    const auto waiting = world.server().journal().uncommitted(job.name());
    if (waiting) add(world, job, *waiting);
  }

  void add(World& world, const app::Job& job, const std::vector<store::ContributionRow>& rows) {
    for (const store::ContributionRow& row : rows) {
      const bool hidden = job.plan().secure();
      const UpdateId id{world.client_of(row.client), job.name(), row.task,
                        hidden ? Checksum() : row.checksum};
      if (row.outcome == "accepted") accepted_.insert(id);
      UpdateId any = id;
      any.checksum = {};
      if (row.outcome == "accepted") accepted_tasks_.insert(any);
      // Accepted, and then in no version, since the job has ended: the reason is on record. Whoever
      // offers it again hears that, and the row forgets its bytes.
      if (row.outcome != "discarded" || row.reason == 0) continue;
      discarded_.insert(any);
    }
  }

  std::string check_offered(World& world) {
    for (const auto& [id, times] : world.ledger().offered()) {
      // Who is revoked hears no more; to those who do not keep to the protocol nothing is owed.
      if (world.is_hostile(id.client) || world.is_revoked(id.client)) continue;
      // Nor is it where a client has given up what it cannot sum up.
      const TrainedUpdate* update = world.ledger().find(id);
      if (update != nullptr && update->hidden && update->coded.empty()) continue;
      // Nor where the sum that it was revealed for came to nothing.
      const bool revealed = world.ledger().sums().reveals(id.client, id.job, id.task) > 0;
      if (revealed && !accepted_tasks_.contains({id.client, id.job, id.task, Checksum()})) continue;
      if (!answered_.contains(id)) {
        return fmt::format("{} was offered {} times and never answered", text(id), times);
      }
    }
    return {};
  }

  std::set<UpdateId> accepted_, answered_;
  std::set<UpdateId> accepted_tasks_, discarded_;  // without their checksums
};

class Progress final : public Checker {
 public:
  const char* name() const override { return "progress"; }

  std::string after_step(World& world) override {
    if (!world.is_calm() || !world.server().up()) return {};
    const Instant now = world.queue().now();
    for (const auto& [name, job] : world.server().coordinator().jobs()) {
      State& state = states_[name];
      const bool moved = !state.since || job->version() != state.version || job->ended();
      if (moved) state = {now, job->version()};
      const double waited = seconds(now - *state.since);
      if (waited > patience(job->plan().spec, has_hours(world.scenario()))) {
        return fmt::format("{} has had no new version for {:.0f} s although nothing is wrong: {}",
                           name, waited, why(*job));
      }
    }
    return {};
  }

 private:
  struct State {
    std::optional<Instant> since;
    std::int64_t version = 0;
  };

  // An attempt that had begun runs into its deadline, the pause after it is at most as long, then
  // clients are selected, and a whole attempt follows; a statistics round may come before. Beside
  // that: links that are found dead (two minutes), and pauses before connecting and retrying (one
  // each). Where sites rest for half an hour at most, an attempt may need two hours that begin. A
  // sum that had begun may wait for the end of every step, and another one follows.
  static double patience(const config::JobSpec& spec, bool hours) {
    const double sums = spec.secure_aggregation
                            ? 2 * (4 * spec.secure_aggregation->phase_s + spec.rounds.seconds_max)
                            : 0;
    return 5 * spec.rounds.seconds_max + 2 * spec.rounds.seconds_select + 600 + sums +
           (hours ? 7200 : 0);
  }

  static std::string why(const app::Job& job) {
    const auto report = job.report();
    return report ? round::waiting_for(*report) : job.problem();
  }

  std::map<std::string, State> states_;
};

}  // namespace

std::unique_ptr<Checker> check_versions() { return std::make_unique<Versions>(); }
std::unique_ptr<Checker> check_limits(const LimitShares& shares) {
  return std::make_unique<Limits>(shares);
}
std::unique_ptr<Checker> check_revoked() { return std::make_unique<Revoked>(); }
std::unique_ptr<Checker> check_orders() { return std::make_unique<Orders>(); }
std::unique_ptr<Checker> check_sites() { return std::make_unique<Sites>(); }
std::unique_ptr<Checker> check_answers() { return std::make_unique<Answers>(); }
std::unique_ptr<Checker> check_progress() { return std::make_unique<Progress>(); }

std::vector<std::unique_ptr<Checker>> all_checkers() {
  std::vector<std::unique_ptr<Checker>> all;
  all.push_back(check_versions());
  all.push_back(check_models());
  all.push_back(check_limits());
  all.push_back(check_revoked());
  all.push_back(check_orders());
  all.push_back(check_sites());
  all.push_back(check_answers());
  all.push_back(check_sums());
  all.push_back(check_progress());
  return all;
}

}  // namespace fed::sim
