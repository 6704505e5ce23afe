// What goes with a job's section "privacy". Anything else would let a client weigh more than its
// norm says, or let out what no noise covers.
#include "config/checks.h"

namespace fed::config {
namespace {

using Mechanism = PrivacySpec::Mechanism;

std::string plain(double value) { return Json(value).dump(); }

class PrivacyChecker {
 public:
  PrivacyChecker(const JobSpec& job, const Examined& file, Problems& problems)
      : job_(job), privacy_(*job.privacy), file_(file), problems_(problems) {}

  void run() const {
    check_rounds();
    check_evaluation();
    if (privacy_.at_clients()) {
      check_clients();
    } else {
      check_server();
    }
    if (privacy_.mechanism == Mechanism::distributed_gaussian) check_distributed();
    if (privacy_.adaptive) check_adaptive();
  }

 private:
  void report(const char* pointer, std::string message) const {
    problems_.push_back({pointer, std::move(message)});
  }

  void needs(bool met, const char* pointer, const std::string& allowed) const {
    if (!met) report(pointer, "does not go with \"privacy\"; allowed: " + allowed);
  }

  void check_rounds() const {
    // A section that is wrong is at its defaults here, and the default weighting is none of these.
    needs(!file_.whole("aggregation") ||
              job_.aggregation.weighting == AggregationSpec::Weighting::uniform,
          "/aggregation/weighting", "\"uniform\", so that no client counts more than its norm");
    needs(job_.aggregation.rule == "mean", "/aggregation/rule",
          "\"mean\", since the noise is sized for a sum");
    needs(job_.rounds.staleness.max == 0, "/rounds/staleness/max",
          "0, since what a version costs is counted for rounds that each client is in once");
    needs(job_.rounds.selection.by == SelectionSpec::By::uniform, "/rounds/selection/by",
          "\"uniform\", so that nobody's data say who is asked");
    needs(!job_.inputs || job_.inputs->scaling != InputsSpec::Scaling::federated, "/inputs/scaling",
          "\"none\" or \"constants\", since sums of columns have no noise");
    if (!file_.whole("rounds") || privacy_.delta * static_cast<double>(job_.rounds.cohort) < 1) {
      return;
    }
    report("/privacy/delta", "is " + plain(privacy_.delta) +
                                 "; allowed: below 1 / \"cohort\" of "
                                 "\"rounds\", which is " +
                                 std::to_string(job_.rounds.cohort) +
                                 ", since with such a chance some site may be given away whole");
  }

  // Noise of the server.
  void check_server() const {
    needs(job_.training.update != TrainingSpec::Update::weights, "/training/update",
          "\"delta\", since clipping would shrink whole weights");
    needs(job_.training.update != TrainingSpec::Update::gradient, "/training/update",
          "\"delta\" with noise of the server; \"gradient\" goes with noise of the clients");
    needs(job_.aggregation.update_limit >= privacy_.clipping_norm, "/aggregation/update_limit",
          "at least \"clipping_norm\", which is " + plain(privacy_.clipping_norm) +
              ", since updates of that length would be refused");
    needs(job_.keep.rounds == 0, "/keep/rounds", "0, since noise cannot be made again");
  }

  // Noise of clients, in integers.
  void check_clients() const {
    if (job_.quantisation && job_.quantisation->clipping_norm != privacy_.clipping_norm) {
      report("/quantisation/clipping_norm",
             "is " + plain(job_.quantisation->clipping_norm) +
                 "; allowed: " + plain(privacy_.clipping_norm) +
                 ", that of \"privacy\", which the noise is sized for, or none");
    }
    if (job_.quantisation) {
      needs(privacy_.mechanism != Mechanism::local_laplace || !job_.quantisation->rotation,
            "/quantisation/rotation",
            "false with \"local_laplace\", since a rotation makes the sum of the magnitudes, "
            "which it clips, much longer");
    }
  }

  // Clients with noise send no metrics; the server's noise is not on those that they send.
  void check_evaluation() const {
    if (!file_.whole("evaluation") || job_.evaluation.data) return;
    const std::string no =
        "without \"evaluation.data\", since no noise would cover the clients' metrics";
    needs(!job_.evaluation.target, "/evaluation/target", "none " + no);
    needs(job_.evaluation.patience == 0, "/evaluation/patience", "0 " + no);
  }

  void check_distributed() const {
    if (!file_.whole("secure_aggregation")) return;
    if (!job_.secure_aggregation) {
      return report("/privacy/mechanism",
                    "is \"distributed_gaussian\"; allowed: with a section \"secure_aggregation\" "
                    "only, since a client's own share of the noise protects it in a sum, and not "
                    "by itself");
    }
    if (!file_.whole("rounds")) return;
    constexpr std::int64_t kSharersLeast = 2;
    const std::int64_t short_of = kSharersLeast - noise_sharers(job_);
    if (short_of <= 0) return;
    const std::int64_t least = job_.rounds.contributions_min;
    report("/rounds/contributions/min",
           "is " + std::to_string(least) + "; allowed: at least " +
               std::to_string(least + short_of) + " with \"distributed_gaussian\", since " +
               std::to_string(least - noise_sharers(job_)) +
               " of the cohort may be corrupted and tell their noise (\"corrupted\" of "
               "\"secure_aggregation\"), and that of 2 others is to be left");
  }

  void check_adaptive() const {
    if (privacy_.mechanism == Mechanism::local_laplace) {
      report("/privacy/adaptive",
             "does not go with \"local_laplace\"; allowed: none, since its noise would drown how "
             "many updates are within the norm");
    }
    if (privacy_.adaptive->count_noise > privacy_.noise_multiplier / 2) return;
    report("/privacy/adaptive/count_noise",
           "is " + plain(privacy_.adaptive->count_noise) + "; allowed: above " +
               plain(privacy_.noise_multiplier / 2) +
               ", half of \"noise_multiplier\", since both noises share what that promises");
  }

  const JobSpec& job_;
  const PrivacySpec& privacy_;
  const Examined& file_;
  Problems& problems_;
};

}  // namespace

void check_privacy(const JobSpec& job, const Examined& file, Problems& problems) {
  if (job.privacy) PrivacyChecker(job, file, problems).run();
}

}  // namespace fed::config
