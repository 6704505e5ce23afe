// Of jobs whose updates are summed as integers, hidden or not.
#include <string>

#include "config/checks.h"

namespace fed::config {
namespace {

constexpr std::int64_t kContributionsLeast = 3;

// What one section needs of the others.
class Needs {
 public:
  Needs(const char* section, Problems& problems) : section_(section), problems_(problems) {}

  void operator()(bool met, const char* pointer, const char* allowed) const {
    if (met) return;
    const std::string with = std::string("does not go with \"") + section_ + "\"; allowed: ";
    problems_.push_back({pointer, with + allowed});
  }

 private:
  const char* section_;
  Problems& problems_;
};

// The section that made the updates integers.
const char* section_of(const JobSpec& job) {
  if (job.secure_aggregation) return "secure_aggregation";
  return job.homomorphic_encryption ? "homomorphic_encryption" : "quantisation";
}

// Who adds the noise instead of the server.
void check_noise(const JobSpec& job, Problems& problems) {
  if (!job.privacy || job.privacy->at_clients()) return;
  const std::string instead = job.secure_aggregation ? "\"distributed_gaussian\""
                                                     : "\"local_gaussian\" or \"local_laplace\"";
  problems.push_back({"/privacy/mechanism",
                      "is \"central_gaussian\"; allowed with \"" + std::string(section_of(job)) +
                          "\": " + instead +
                          ", with which the clients add the noise themselves, since the server "
                          "cannot check that integers are clipped, which its own noise relies on"});
}

void check_quantisation(const JobSpec& job, const Examined& file, Problems& problems) {
  const Needs needs(section_of(job), problems);
  const bool masked = job.secure_aggregation || !file.whole("secure_aggregation");
  needs(job.rounds.staleness.max == 0 || masked, "/rounds/staleness/max",
        "0, since only integers of the same base version can be summed; or a section "
        "\"secure_aggregation\", with which those of one version are summed together");
  needs(job.training.update != TrainingSpec::Update::weights, "/training/update",
        "\"delta\" or \"gradient\", since clipping would shrink whole weights");
  needs(job.aggregation.rule == "mean", "/aggregation/rule",
        "\"mean\", since other rules need single updates");
  check_noise(job, problems);
  const bool uniform = job.aggregation.weighting == AggregationSpec::Weighting::uniform;
  if (uniform && job.quantisation->weight_max > 1) {
    problems.push_back({"/quantisation/weight_max",
                        "is " + std::to_string(job.quantisation->weight_max) +
                            "; allowed: 1 while \"aggregation.weighting\" is \"uniform\", since "
                            "each client then counts once"});
  }
}

// An update waits with its client until it is summed up, so a sum has no more than are asked.
void check_secure_buffer(const JobSpec& job, const Needs& needs) {
  needs(job.rounds.contributions_goal <= job.rounds.cohort, "/rounds/contributions/goal",
        "at most rounds.cohort, since each client waits with its update for the sum");
  needs(job.rounds.order == RoundsSpec::Order::arrival, "/rounds/order",
        "\"arrival\", since a sum is made of those who are there");
}

// The least of them is named that keeps the others from being more.
void check_least(const JobSpec& job, Problems& problems) {
  const RoundsSpec& rounds = job.rounds;
  const auto report = [&](const char* pointer, std::int64_t value) {
    problems.push_back(
        {pointer, "is " + std::to_string(value) + "; allowed: at least " +
                      std::to_string(kContributionsLeast) + " with \"" + section_of(job) +
                      "\", since each of two clients would learn the other's update from the sum"});
  };
  if (rounds.cohort < kContributionsLeast) return report("/rounds/cohort", rounds.cohort);
  if (rounds.contributions_goal < kContributionsLeast) {
    return report("/rounds/contributions/goal", rounds.contributions_goal);
  }
  if (rounds.contributions_min < kContributionsLeast) {
    report("/rounds/contributions/min", rounds.contributions_min);
  }
}

void check_hidden_updates(const JobSpec& job, const Examined& file, Problems& problems) {
  const Needs needs(section_of(job), problems);
  needs(!job.secure_aggregation || !job.homomorphic_encryption, "/homomorphic_encryption",
        "one of the two; masks do for large models too, and need no key holder");
  if (file.whole("rounds")) check_least(job, problems);
  needs(job.keep.rounds == 0, "/keep/rounds",
        "0, since single updates are hidden and cannot be kept");
  const SelectionSpec::By by = job.rounds.selection.by;
  needs(by == SelectionSpec::By::uniform || by == SelectionSpec::By::speed, "/rounds/selection/by",
        "\"uniform\" or \"speed\", since rows and losses of single clients stay hidden");
  if (job.rounds.staleness.max > 0) check_secure_buffer(job, needs);
}

}  // namespace

void check_sums(const JobSpec& job, const Examined& file, Problems& problems) {
  if (job.quantisation) check_quantisation(job, file, problems);
  if (job.hides_updates()) check_hidden_updates(job, file, problems);
}

}  // namespace fed::config
