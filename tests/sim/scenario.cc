#include "scenario.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fed::sim {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

bool chance(Random& random, double share) { return random.uniform() < share; }

std::int64_t from_to(Random& random, std::int64_t least, std::int64_t most) {
  return least +
         static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most - least + 1)));
}

template <class T>
T one_of(Random& random, std::initializer_list<T> values) {
  return *(values.begin() + random.below(values.size()));
}

Json server_optimizer(Random& random) {
  const std::string type =
      one_of<std::string>(random, {"sgd", "sgd", "sgd", "adam", "yogi", "adagrad"});
  if (type == "sgd") {
    return {{"type", type},
            {"learning_rate", one_of(random, {1.0, 0.5, 0.1})},
            {"momentum", one_of(random, {0.0, 0.0, 0.9})}};
  }
  return {{"type", type}, {"learning_rate", 0.1}, {"epsilon", 0.01}};
}

// Mostly tens of numbers; sometimes more than an offer or a chunk can carry.
Json model(Random& random, Json& job) {
  if (chance(random, 0.3)) {
    Json columns = Json::array();
    const std::int64_t count = from_to(random, 1, 4);
    for (std::int64_t i = 0; i < count; ++i) {
      columns.push_back({{"name", "c" + std::to_string(i)}, {"type", "number"}});
    }
    job["inputs"] = {{"columns", columns}, {"label", {{"name", "y"}}}, {"scaling", "federated"}};
    return {{"type", "linear"}};
  }
  const std::int64_t inputs = chance(random, 0.04) ? 20'000 : from_to(random, 2, 60);
  return {{"type", "linear"}, {"inputs", inputs}};
}

Json rounds(Random& random, std::int64_t clients) {
  const std::int64_t cohort = from_to(random, 1, clients);
  const std::int64_t goal = chance(random, 0.5) ? cohort : from_to(random, 1, cohort);
  const std::int64_t min = chance(random, 0.5) ? goal : from_to(random, 1, goal);
  Json rounds = {
      {"max", from_to(random, 2, 6)},
      {"cohort", cohort},
      {"contributions", {{"min", min}, {"goal", goal}}},
      {"seconds", {{"max", from_to(random, 60, 600)}, {"select", from_to(random, 0, 30)}}},
      {"selection",
       {{"by", one_of<std::string>(random, {"uniform", "examples", "speed", "loss"})}}},
      {"seed", from_to(random, 1, 1000)}};
  if (!chance(random, 0.4)) return rounds;
  // Asynchronous, with K from one (FedAsync) to more than there are clients (FedBuff).
  const std::int64_t buffer = from_to(random, 1, clients + 1);
  rounds["contributions"] = {{"min", buffer}, {"goal", buffer}};
  rounds["staleness"] = {
      {"max", from_to(random, 1, 8)},
      {"weight", one_of<std::string>(random, {"constant", "polynomial", "hinge"})},
      {"grace", from_to(random, 0, 2)}};
  if (buffer <= cohort && chance(random, 0.3)) rounds["order"] = "seeded";
  return rounds;
}

Scenario::Submission submission(Random& random, std::size_t index, std::int64_t clients) {
  const std::string name = "job-" + std::to_string(index + 1);
  Json job = {{"name", name}};
  job["model"] = model(random, job);
  job["rounds"] = rounds(random, clients);
  job["training"] = {
      {"update", one_of<std::string>(random, {"delta", "delta", "gradient", "weights"})}};
  job["aggregation"] = {{"weighting", one_of<std::string>(random, {"examples", "uniform"})},
                        {"update_limit", one_of(random, {1.0, 64.0})},
                        {"server_optimizer", server_optimizer(random)}};
  const Duration at = index == 0 ? Duration(0) : from_seconds(random.uniform() * 600);
  return {at, name, job.dump()};
}

Lie some_lie(Random& random) { return static_cast<Lie>(1 + random.below(kLies - 1)); }

ClientNode::Traits client(Random& random, std::size_t index, std::uint64_t seed) {
  ClientNode::Traits traits;
  traits.site.client = index;
  traits.site.seed = seed;
  traits.site.examples = from_to(random, 10, 1000);
  if (chance(random, 0.15)) {
    traits.site.lie = some_lie(random);
    traits.site.lies = one_of(random, {0.3, 1.0});
  }
  if (chance(random, 0.15)) traits.site.fails = 0.2;
  traits.spec.server = "server:7600";
  traits.spec.cipher =
      one_of(random, {config::ClientSpec::Cipher::aesgcm, config::ClientSpec::Cipher::chachapoly});
  traits.spec.state_dir = "/state";
  traits.spec.idle_s = one_of(random, {30.0, 120.0});
  traits.spec.reconnect_s_max = one_of(random, {5.0, 60.0});
  traits.loading_pace = {milliseconds(10), milliseconds(from_to(random, 20, 3000)), true};
  const std::int64_t speed = from_to(random, 1, 40);
  traits.training_pace = {milliseconds(500 * speed), milliseconds(1000 * speed), true};
  traits.inline_bytes_max = one_of<std::size_t>(random, {0, 64, wire::kInlineBytesMax});
  traits.chunk_bytes = one_of<std::size_t>(random, {40, 1000, net::kChunkDataMax});
  return traits;
}

// Each kind of fault is there in some seeds and missing in others, so that each can be the only
// one.
double rate(Random& random, double share, double mean_least, double mean_most) {
  if (!chance(random, share)) return 0;
  return mean_least + random.uniform() * (mean_most - mean_least);
}

FaultRates rates(Random& random) {
  FaultRates rates;
  rates.partition = rate(random, 0.5, 60, 600);
  rates.clog = rate(random, 0.4, 60, 600);
  rates.client_crash = rate(random, 0.5, 30, 600);
  rates.server_crash = rate(random, 0.5, 60, 900);
  rates.cut_all = rate(random, 0.2, 120, 900);
  rates.clock_jump = rate(random, 0.3, 60, 900);
  rates.order = rate(random, 0.4, 60, 900);
  rates.disk_error = rate(random, 0.3, 60, 900);
  rates.revocation = rate(random, 0.6, 60, 600);
  rates.drain = rate(random, 0.3, 120, 900);
  return rates;
}

// Open from the full hour on, for so many minutes of every hour.
std::vector<config::HoursSpec> hours(std::int64_t minutes) {
  std::vector<config::HoursSpec> windows;
  for (int from = 0; from < config::kMinutesOfDay; from += 60) {
    windows.push_back({from, from + static_cast<int>(minutes)});
  }
  return windows;
}

void add_limits(Random& random, Scenario& scenario) {
  const bool hours_here = chance(random, 0.25);
  for (ClientNode::Traits& client : scenario.clients) {
    config::SiteLimitsSpec& limits = client.spec.limits;
    if (hours_here && chance(random, 0.5)) limits.hours = hours(from_to(random, 30, 55));
    if (chance(random, 0.1)) limits.upload_mbit_s_max = one_of(random, {0.05, 0.2, 2.0});
    if (chance(random, 0.1)) limits.download_mbit_s_max = one_of(random, {0.05, 0.2, 2.0});
  }
}

config::AgreementSpec agreement(Random& random) {
  config::AgreementSpec spec;
  switch (random.below(5)) {
    case 0:
      spec.names_declined = {"job-1"};
      break;
    case 1:
      spec.models = {"mlp"};
      break;
    case 2:
      spec.rows_min = 500;
      break;
    case 3:
      spec.statistics = spec.metrics = false;
      break;
    default:
      spec.delta = false;
  }
  return spec;
}

void add_joins(Random& random, Scenario& scenario) {
  const std::int64_t joins = from_to(random, 1, 3);
  for (std::int64_t i = 0; i < joins; ++i) {
    const std::size_t index = scenario.clients.size();
    scenario.clients.push_back(client(random, index, scenario.seed));
    if (chance(random, 0.4)) {
      scenario.clients.back().spec.jobs = agreement(random);
      scenario.choosy.insert(index);
    }
    scenario.joins.push_back(from_seconds(random.uniform() * 900));
  }
}

}  // namespace

bool has_hours(const Scenario& scenario) {
  return std::any_of(scenario.clients.begin(), scenario.clients.end(),
                     [](const auto& each) { return !each.spec.limits.hours.empty(); });
}

Scenario draw_scenario(std::uint64_t seed, Mood mood) {
  Random random(mix_seed({seed, seed_of("scenario")}));
  Scenario scenario;
  scenario.seed = seed;
  const std::int64_t clients = from_to(random, 2, 10);
  for (std::int64_t i = 0; i < clients; ++i) {
    scenario.clients.push_back(client(random, static_cast<std::size_t>(i), seed));
  }
  const std::int64_t jobs = from_to(random, 1, 3);
  for (std::int64_t i = 0; i < jobs; ++i) {
    scenario.jobs.push_back(submission(random, static_cast<std::size_t>(i), clients));
  }
  scenario.server.seed = seed;
  scenario.server.spec.state_dir = "/state";
  scenario.server.spec.limits.idle_s = one_of(random, {20.0, 60.0, 120.0});
  scenario.server.spec.drain_s = one_of(random, {5.0, 60.0, 600.0});
  scenario.server.io_loops = static_cast<std::size_t>(from_to(random, 1, 3));
  scenario.climate.shape.window = one_of<std::size_t>(random, {4096, 65536, 1 << 20});
  if (mood == Mood::gentle) {
    scenario.climate.breaks = scenario.climate.flips = 0;
    for (auto& each : scenario.clients) each.site.lies = each.site.fails = 0;
    draw_sums(scenario, mood);
    return scenario;
  }
  if (chance(random, 0.3)) scenario.hostile = static_cast<std::size_t>(from_to(random, 1, 2));
  if (chance(random, 0.4)) add_joins(random, scenario);
  if (chance(random, 0.4)) add_limits(random, scenario);
  scenario.rates = rates(random);
  scenario.disk_crashes = chance(random, 0.5);
  scenario.chaos = std::chrono::minutes(from_to(random, 3, 40));
  draw_sums(scenario, mood);
  return scenario;
}

}  // namespace fed::sim
