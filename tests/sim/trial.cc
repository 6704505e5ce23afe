#include "trial.h"

#include <cmath>
#include <set>

#include "aggregate/tile_pool.h"
#include "app/job_privacy.h"
#include "aside.h"
#include "tensor/kernels.h"
#include "trial_workshop.h"
#include "world.h"

namespace fed::sim {
namespace {

constexpr std::uint64_t kStepsBetweenLooks = 32;
constexpr auto kJoining = std::chrono::minutes(10);
constexpr std::uint64_t kLedgerBytesMax = std::uint64_t{1} << 30;
constexpr std::uint64_t kExportBytesMax = std::uint64_t{1} << 36;
constexpr auto kLoading = std::chrono::milliseconds(100);

double log_normal(Random& random, double median, double spread) {
  return median * std::exp(spread * random.normal());
}

class Trial {
 public:
  Trial(const TrialOptions& options, const TrialWatch& watch)
      : options_(options),
        watch_(watch),
        random_(mix_seed({options.seed, seed_of("trial")})),
        pool_(options.threads),
        tiles_(options.threads),
        world_(scenario()) {}

  Result<TrialResult> run(const fs::path& output) {
    FED_TRY(world_.begin());
    set_links();
    FED_TRY(gather());
    begun_ = world_.queue().now();
    traffic_ = world_.network().traffic();
    FED_TRY(submit());
    FED_TRY(live());
    FED_TRY(conclude());
    if (!output.empty()) FED_TRY(save(output));
    return std::move(result_);
  }

 private:
  const std::string& job() const { return options_.job.name; }
  double simulated_s() { return seconds(world_.queue().now() - begun_); }

  Scenario scenario() {
    Scenario scenario;
    scenario.seed = options_.seed;
    scenario.climate.breaks = scenario.climate.flips = 0;
    scenario.climate.shape = {.window = 4 << 20, .piece_most = 256 << 10};
    scenario.disk.power_cuts = false;
    scenario.disk.shared = std::make_shared<SharedContents>();
    scenario.server.seed = options_.seed;
    scenario.server.spec.state_dir = "/state";
    scenario.server.spec.durability = Durability::process;
    scenario.server.parallel_for = tiles_.parallel_for();
    for (std::size_t i = 0; i < options_.sites.parts().size(); ++i)
      scenario.clients.push_back(site(i));
    return scenario;
  }

  ClientNode::Traits site(std::size_t index) {
    const TrialParts::Part& part = options_.sites.parts()[index];
    const double rows =
        static_cast<double>(part.rows) * static_cast<double>(options_.job.training.epochs);
    const double speed =
        log_normal(random_, options_.speeds.rows_per_s, options_.speeds.rows_spread);
    ClientNode::Traits traits;
    traits.site.client = index;
    traits.site.seed = options_.seed;
    traits.spec.server = "server:7600";
    traits.spec.state_dir = "/state";
    const auto limit = options_.privacy_limits.find(index);
    traits.workshop = [&part, limit = limit == options_.privacy_limits.end()
                                          ? config::PrivacyAgreementSpec()
                                          : limit->second](Disk& disk) {
      return std::make_unique<TrialWorkshop>(disk, part.data, limit);
    };
    traits.loading = [this] {
      return std::make_unique<AsideExecutor>(world_.queue(), pool_, kLoading);
    };
    traits.training = [this, index, cost = from_seconds(rows / speed)] {
      return std::make_unique<AsideExecutor>(
          world_.queue(), pool_, cost,
          [this, index](Instant begin, Duration takes) { befall(index, begin, takes); });
    };
    return traits;
  }

  // What may happen to a site while it trains.
  void befall(std::size_t site, Instant begin, Duration takes) {
    const double fate = random_.uniform(), share = random_.uniform();
    if (fate >= options_.speeds.dropout) return;
    ++result_.dropouts;
    const auto kept = outbox_of(site);
    world_.queue().add(begin + from_seconds(share * seconds(takes)), this, [this, site, kept] {
      world_.crash_client(site, Crash::process, from_seconds(options_.speeds.offline_s));
      // What was computed aside may be there before its time.
      for (const fs::path& path : outbox_of(site)) {
        if (!kept.contains(path)) world_.client_disk(site).remove(path).value();
      }
    });
  }

  std::set<fs::path> outbox_of(std::size_t site) {
    const auto files = world_.client_disk(site).list("/state/outbox").value();
    return {files.begin(), files.end()};
  }

  void set_links() {
    for (std::size_t i = 0; i < world_.clients(); ++i) {
      const double mbit =
          log_normal(random_, options_.speeds.link_mbit, options_.speeds.link_spread);
      world_.network().weather(i) = {.delay = from_seconds(options_.speeds.delay_s),
                                     .bytes_per_s = mbit * 1e6 / 8};
    }
  }

  // Until every client is connected.
  Status gather() {
    const Instant until = world_.queue().now() + kJoining;
    while (world_.server().coordinator().connected() < world_.clients()) {
      if (!world_.step(until)) return Error{ErrorCode::closed, "not every client has connected"};
    }
    return {};
  }

  Status submit() {
    std::optional<Status> taken;
    world_.server().coordinator().submit(options_.job, [&](Status status) { taken = status; });
    const Instant until = world_.queue().now() + kJoining;
    while (!taken) {
      if (!world_.step(until)) return Error{ErrorCode::closed, "nobody has answered to the job"};
    }
    return *taken;
  }

  Status live() {
    const Instant until = begun_ + from_seconds(options_.seconds_max);
    for (std::uint64_t steps = 0;; ++steps) {
      if (!world_.step(until)) {
        return Error{ErrorCode::closed,
                     "the job did not end in the simulated time allowed: round " +
                         std::to_string(result_.version + 1) + " " + why()};
      }
      if (steps % kStepsBetweenLooks != 0) continue;
      FED_TRY(look());
      if (world_.server().coordinator().job(job())->ended()) return {};
    }
  }

  std::string why() {
    const auto report = world_.server().coordinator().job(job())->report();
    return report ? round::waiting_for(*report) : "is being loaded";
  }

  // Notices what was committed since the last look.
  Status look() {
    FED_ASSIGN(row, world_.server().journal().find_job(job()));
    if (row.version > result_.version) {
      result_.version = row.version;
      FED_TRY(note_round());
    }
    if (watch_.moment) watch_.moment({result_.version + 1, simulated_s()});
    return {};
  }

  Status note_round() {
    FED_ASSIGN(rows, world_.server().journal().history(job()));
    TrialRound made{.round = result_.version};
    for (const store::RoundRow& row : rows) {
      if (row.round != result_.version) continue;
      ++made.attempts;
      made.asked += row.cohort;
      if (row.state != "committed") continue;
      made.accepted = row.accepted;
      made.discarded = row.discarded;
      made.metrics = row.metrics;
    }
    const Traffic traffic = world_.network().traffic();
    made.bytes_up = traffic[client_side] - traffic_[client_side];
    made.bytes_down = traffic[server_side] - traffic_[server_side];
    traffic_ = traffic;
    FED_TRY(note_epsilon(made));
    made.begun_s = result_.rounds.empty() ? 0 : result_.rounds.back().committed_s;
    made.committed_s = simulated_s();
    result_.attempts_abandoned += made.attempts - 1;
    result_.bytes_up += made.bytes_up;
    result_.bytes_down += made.bytes_down;
    if (watch_.committed) watch_.committed(made);
    result_.rounds.push_back(std::move(made));
    return {};
  }

  Status note_epsilon(TrialRound& made) {
    if (!options_.job.privacy) return {};
    FED_ASSIGN(ledger, world_.server().journal().privacy_ledger(job()));
    FED_ASSIGN(spent, app::spent_in(ledger));
    FED_ASSIGN(promise, privacy::epsilon_at(spent, options_.job.privacy->delta));
    made.epsilon = promise.epsilon;
    result_.ledger = std::move(ledger);
    return {};
  }

  Status note_sites() {
    if (!options_.job.privacy) return {};
    for (std::size_t i = 0; i < world_.clients(); ++i) {
      const auto text = read_file(world_.client_disk(i), fs::path("/state") / app::kPrivacyLedger,
                                  kLedgerBytesMax);
      result_.site_ledgers.emplace_back(text ? fed::text(*text) : "");
    }
    return {};
  }

  Status conclude() {
    FED_TRY(look());
    FED_TRY(note_sites());
    FED_ASSIGN(row, world_.server().journal().find_job(job()));
    result_.state = row.state;
    result_.detail = row.detail;
    result_.best_version = row.best_version;
    result_.best_value = row.best_value;
    result_.simulated_s = simulated_s();
    result_.events = world_.steps();
    if (row.version == 0) return {};
    const auto model = model::make_model(options_.job.model);
    if (!model) return model.error();
    FED_ASSIGN(last, world_.server().checkpoints().load(job(), row.version, (*model)->layout()));
    result_.model = checksum(as_bytes(std::span<const float>(last.weights)));
    return {};
  }

  Status save(const fs::path& output) {
    if (result_.version == 0) {
      return Error{ErrorCode::not_found, "there is no committed version to write"};
    }
    const fs::path made = fs::path("/state") / ("export" + output.extension().string());
    FED_TRY(world_.server().checkpoints().export_model(job(), result_.version, made));
    FED_ASSIGN(content, read_file(world_.server_disk(), made, kExportBytesMax));
    return replace_file(output, content, Durability::process, 0644);
  }

  const TrialOptions& options_;
  const TrialWatch& watch_;
  Random random_;
  WorkPool pool_;
  aggregate::TilePool tiles_;
  World world_;
  Instant begun_{};
  Traffic traffic_{};
  TrialResult result_;
};

}  // namespace

Result<TrialResult> run_trial(const TrialOptions& options, const TrialWatch& watch,
                              const fs::path& output) {
  tensor::use_single_thread();
  return Trial(options, watch).run(output);
}

}  // namespace fed::sim
