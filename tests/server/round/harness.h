// What the tests of the engine share: a small configuration, events in one call, effects as text.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

#include "round/engine.h"

namespace fed::round {

inline Instant at(double second) { return Instant{} + from_seconds(second); }

inline constexpr std::uint64_t kBytes = 40;
inline constexpr std::int64_t kCount = 10;

struct Numbers {
  std::int64_t rounds = 3, cohort = 3, min = 2, goal = 3;
  double collect = 100, select = 10;
  bool statistics = false, uniform = false;
  std::string metric = "accuracy";
  std::optional<double> target{};
  std::int64_t patience = 0;
};

inline config::JobSpec job_spec(const Numbers& n) {
  config::JobSpec job;
  job.rounds = {.max = n.rounds,
                .cohort = n.cohort,
                .contributions_min = n.min,
                .contributions_goal = n.goal,
                .seconds_max = n.collect,
                .seconds_select = n.select,
                .seed = 7};
  job.aggregation.weighting = n.uniform ? Weighting::uniform : Weighting::examples;
  job.evaluation.metric = n.metric;
  job.evaluation.target = n.target;
  job.evaluation.patience = n.patience;
  if (n.statistics) job.inputs.emplace().scaling = config::InputsSpec::Scaling::federated;
  return job;
}

inline EngineConfig engine_config(const Numbers& n) {
  return engine_config(job_spec(n), {.bytes = kBytes, .count = kCount},
                       {.bytes = 2 * kBytes, .count = 2 * kCount, .limit = 1e12});
}

inline Checksum sum_of(int number) { return {static_cast<std::uint8_t>(number)}; }

inline Offered offer(ClientId client, std::int64_t round, std::int64_t examples = 5) {
  return {.client = client,
          .task = round,
          .base_version = round > 0 ? round - 1 : 0,
          .examples = examples,
          .bytes = round == 0 ? 2 * kBytes : kBytes,
          .checksum = sum_of(static_cast<int>(client))};
}

inline UploadCompleted upload(ClientId client, std::int64_t round) {
  return {.client = client,
          .task = round,
          .facts = {.bytes = round == 0 ? 2 * kBytes : kBytes,
                    .checksum_ok = true,
                    .finite = true,
                    .max_abs = 1,
                    .count = round == 0 ? 2 * kCount : kCount}};
}

inline std::vector<Candidate> candidates(const std::vector<ClientId>& clients) {
  std::vector<Candidate> all;
  for (const ClientId client : clients) all.push_back({.client = client});
  return all;
}

template <class Range>
std::string ids(const Range& range) {
  std::string text;
  for (const auto& each : range) text += fmt::format("{}{}", text.empty() ? "" : " ", each.client);
  return "[" + text + "]";
}

// One effect as a few words: "assign 1", "refused 2 not_finite", "close [1 2]".
struct Describe {
  std::string operator()(const BeginRound& e) const {
    return fmt::format("begin {}.{} {}", e.round, e.attempt, ids(e.cohort));
  }
  std::string operator()(const OpenTasks& e) const {
    std::string list;
    for (const OpenTask& t : e.tasks)
      list += fmt::format(" {}:{}@{}", t.task, t.client, t.base_version);
    return "open" + list;
  }
  std::string operator()(const EndTask& e) const {
    return fmt::format("end {} {}", e.task, name(e.reason));
  }
  std::string operator()(const Discard& e) const { return fmt::format("discard {}", e.client); }
  std::string operator()(const Standby& e) const { return fmt::format("standby {}", e.client); }
  std::string operator()(const AssignTask& e) const { return fmt::format("assign {}", e.client); }
  std::string operator()(const CancelTask& e) const {
    return fmt::format("cancel {} {}", e.client, name(e.reason));
  }
  std::string operator()(const Admit& e) const { return fmt::format("admit {}", e.client); }
  std::string operator()(const Await& e) const { return fmt::format("await {}", e.client); }
  std::string operator()(const Secure& e) const {
    std::string list;
    for (const Secure::Update& each : e.updates) list += fmt::format(" {}", each.client);
    return fmt::format("secure {}{}", e.round, list);
  }
  std::string operator()(const Record& e) const { return fmt::format("record {}", e.client); }
  std::string operator()(const Receipt& e) const {
    const std::string end = e.reason == Reason::none ? "" : std::string(" ") + name(e.reason);
    return fmt::format("{} {}{}", name(e.outcome), e.client, end);
  }
  std::string operator()(const Retry& e) const {
    return fmt::format("retry {} {}", e.client, name(e.reason));
  }
  std::string operator()(const CloseRound& e) const {
    return fmt::format("close {} {}", e.round, ids(e.contributions));
  }
  std::string operator()(const CommitRound& e) const { return fmt::format("commit {}", e.version); }
  std::string operator()(const AbandonRound& e) const {
    return fmt::format("abandon {}.{} {}", e.round, e.attempt, name(e.reason));
  }
  std::string operator()(const JobChanged& e) const {
    return fmt::format("job {} {}", name(e.state), name(e.reason));
  }
  std::string operator()(const Drained&) const { return "drained"; }
};

inline std::string text(const Effects& effects) {
  std::string all;
  for (const Effect& effect : effects) {
    if (std::holds_alternative<Standby>(effect)) continue;  // has a test of its own
    all += (all.empty() ? "" : "; ") + std::visit(Describe{}, effect);
  }
  return all;
}

template <class T>
std::vector<T> only(const Effects& effects) {
  std::vector<T> found;
  for (const Effect& effect : effects) {
    if (const T* one = std::get_if<T>(&effect)) found.push_back(*one);
  }
  return found;
}

// An engine with a clock: `tell` hands in events at the present time and returns what all of them
// led to.
struct Bench {
  explicit Bench(const Numbers& n = {}) : Bench(engine_config(n)) {}
  explicit Bench(EngineConfig with) : config(std::move(with)), engine(config, at(0)) {}

  template <class... Events>
  std::string tell(const Events&... events) {
    effects.clear();
    (one(events), ...);
    return text(effects);
  }
  std::string wait(double seconds) {
    now += from_seconds(seconds);
    return tell(Tick{});
  }
  void one(const Event& event) {
    const Effects more = engine.handle(event, now);
    engine.check_invariants();
    effects.insert(effects.end(), more.begin(), more.end());
  }
  std::string arrive(ClientId first, ClientId last, std::int64_t examples = 10) {
    effects.clear();
    for (ClientId client = first; client <= last; ++client) one(ClientAvailable{client, examples});
    return text(effects);
  }
  // A whole good upload.
  std::string deliver(ClientId client, std::int64_t examples = 5) {
    const std::int64_t round = engine.round();
    return tell(offer(client, round, examples), upload(client, round), Recorded{client, round});
  }
  std::string commit(std::optional<Evaluation> evaluation = {}) {
    const std::int64_t round = engine.round();
    return tell(Aggregated{round}, Committed{round, evaluation});
  }
  void restart() { engine = Engine(config, engine.snapshot(), now); }

  EngineConfig config;
  Engine engine;
  Instant now = at(0);
  Effects effects;
};

// What the app says of a round that is closed, a word at a time: what it is made of is there, and
// then the commit; or that one of the two could not be done, until the engine asks again.
struct CommitAnswers {
  bool aggregated = false, failed = false;

  // Not while `failed`. `passing`: of an error.
  Event next(std::int64_t round, bool ok, bool passing) {
    failed = !ok;
    if (failed) return CommitFailed{round, {ErrorCode::disk_full, "full"}, passing};
    if (!std::exchange(aggregated, true)) return Aggregated{round};
    return Committed{round, {}};
  }
};

}  // namespace fed::round
