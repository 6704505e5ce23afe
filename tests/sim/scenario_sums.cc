// Jobs whose updates are integers, and secure sums.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "coding/job_codec.h"
#include "scenario.h"

namespace fed::sim {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kLeast = 3;  // clients in a secure sum

bool chance(Random& random, double share) { return random.uniform() < share; }

template <class T>
T one_of(Random& random, std::initializer_list<T> values) {
  return *(values.begin() + random.below(values.size()));
}

Json quantisation(Random& random, const Json& job) {
  Json section = {{"clipping_norm", one_of(random, {0.5, 4.0, 16.0})},
                  {"steps", one_of(random, {2, 1000, 65'536, 1 << 20})},
                  {"rotation", chance(random, 0.4)},
                  {"kept", one_of(random, {1.0, 1.0, 0.5, 0.1})}};
  const bool uniform = job["aggregation"]["weighting"] == "uniform";
  section["weight_max"] = uniform ? 1 : one_of(random, {1, 100, 65'536});
  return section;
}

Json secure_aggregation(Random& random) {
  return {{"adversary", one_of<std::string>(random, {"semi_malicious", "curious"})},
          {"corrupted", one_of(random, {0.05, 0.2})},
          {"dropped", one_of(random, {0.05, 0.1, 0.3})},
          {"phase_s", one_of(random, {2.0, 5.0, 15.0, 40.0})}};
}

// What does not go with integers is taken out. Those that are summed up under masks may be of an
// asynchronous job.
void make_summable(Json& job, bool secure) {
  if (!secure) job["rounds"].erase("staleness");
  job["rounds"].erase("order");
  if (job["training"]["update"] == "weights") job["training"]["update"] = "delta";
  Json& wanted = job["rounds"]["contributions"];
  const std::int64_t cohort = job["rounds"]["cohort"];
  const std::int64_t goal = std::min(wanted["goal"].get<std::int64_t>(), cohort);
  wanted["goal"] = goal;
  wanted["min"] = std::min(wanted["min"].get<std::int64_t>(), goal);
}

void make_secure(Random& random, Json& job, std::int64_t clients) {
  Json& rounds = job["rounds"];
  // In half of them everybody, and there is room for some who drop out.
  const bool everybody = chance(random, 0.5);
  const auto at_least = [](const Json& value) {
    return std::max(value.get<std::int64_t>(), kLeast);
  };
  Json& wanted = rounds["contributions"];
  rounds["cohort"] = everybody ? clients : at_least(rounds["cohort"]);
  wanted["goal"] = everybody ? clients : at_least(wanted["goal"]);
  wanted["min"] = everybody ? kLeast : at_least(wanted["min"]);
  rounds["selection"]["by"] = one_of<std::string>(random, {"uniform", "speed"});
  job["secure_aggregation"] = secure_aggregation(random);
}

bool is_possible(const Json& job) {
  const auto spec = config::parse_job(job.dump());
  FED_CHECK(spec.has_value());
  return !spec->secure_aggregation || coding::check_parameters(*spec).has_value();
}

SumFaults faults(Random& random) {
  return {.dropouts = one_of(random, {0.0, 0.1, 0.3}),
          .step = chance(random, 0.5) ? static_cast<int>(1 + random.below(5)) : 0,
          .server_crashes = one_of(random, {0.0, 0.0, 0.005, 0.03})};
}

void add_liars(Random& random, Scenario& scenario) {
  for (ClientNode::Traits& client : scenario.clients) {
    if (!chance(random, 0.1)) continue;
    client.site.sum_lie = static_cast<SumLie>(1 + random.below(kSumLies - 1));
    client.site.sum_lies = one_of(random, {0.3, 1.0});
  }
}

// Those that agree to everything agree to a curious server too.
void trust_the_server(Scenario& scenario) {
  for (std::size_t i = 0; i < scenario.clients.size(); ++i) {
    if (scenario.choosy.contains(i)) continue;
    scenario.clients[i].spec.jobs.secure_aggregation.adversary =
        config::SecureAgreementSpec::Adversary::curious;
  }
}

}  // namespace

void draw_sums(Scenario& scenario, Mood mood) {
  Random random(mix_seed({scenario.seed, seed_of("integers summed")}));
  const auto clients = static_cast<std::int64_t>(scenario.clients.size() - scenario.joins.size());
  const bool some = chance(random, 0.5);
  if (!some || clients < kLeast) return;
  Random more(mix_seed({scenario.seed, seed_of("more of secure sums")}));
  for (Scenario::Submission& submission : scenario.jobs) {
    if (!chance(random, 0.7)) continue;
    Json job = Json::parse(submission.text);
    // Without masks anybody may send any integers: there nobody is to be hostile.
    const bool secure = chance(random, 0.85) || scenario.hostile > 0;
    make_summable(job, secure);
    job["quantisation"] = quantisation(random, job);
    if (secure) make_secure(random, job, clients);
    const bool unscaled = secure && job.contains("inputs") && chance(more, 0.3);
    if (unscaled) job["inputs"]["scaling"] = "none";
    while (!is_possible(job)) job["secure_aggregation"] = secure_aggregation(random);
    submission.text = job.dump();
  }
  trust_the_server(scenario);
  if (mood == Mood::gentle) return;
  scenario.sums = faults(random);
  scenario.sums.disk_errors = one_of(more, {0.0, 0.0, 0.1, 0.3});
  add_liars(random, scenario);
}

}  // namespace fed::sim
