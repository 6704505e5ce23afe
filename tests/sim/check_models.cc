#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "checker.h"
#include "reference.h"

namespace fed::sim {
namespace {

// Bit by bit, so that -0 is not 0.
bool alike(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

class Models final : public Checker {
 public:
  const char* name() const override { return "models"; }

  // Keeps every version as it was committed; one that is loaded again must be the same.
  std::string after_step(World& world) override {
    if (!world.server().up()) return {};
    for (const auto& [job, running] : world.server().coordinator().jobs()) {
      const auto model = running->model();
      if (!model || latest_[job] == model) continue;
      latest_[job] = model;
      std::vector<float> weights(model->weights.begin(), model->weights.end());
      const auto [entry, is_new] = seen_[job].try_emplace(model->version, weights);
      if (!is_new && !alike(entry->second, weights)) {
        return fmt::format("{} version {} is another one than before", job, model->version);
      }
    }
    return {};
  }

  std::string at_end(World& world) override {
    for (const auto& [job, running] : world.server().coordinator().jobs()) {
      std::string wrong = check_job(world, *running);
      if (wrong.empty()) wrong = check_scaling(world, *running);
      if (!wrong.empty()) return job + ": " + wrong;
    }
    return {};
  }

 private:
  // What a version is made of, and what is said of it.
  struct Counted {
    std::vector<ReferenceUpdate> updates;
    std::vector<const Bytes*> coded;  // instead of those, where updates are integers
    std::set<std::int64_t> bases;     // that those began from
    double total_weight = 0;
    std::string metrics;

    std::size_t count() const { return updates.size() + coded.size(); }
  };

  std::string check_job(World& world, const app::Job& job) {
    const auto& seen = seen_[job.name()];
    const auto first = seen.find(0);
    if (first == seen.end()) return {};  // never loaded
    const config::JobSpec& spec = job.plan().spec;
    ReferenceModel model = reference_start(spec, first->second);
    std::set<UpdateId> counted;
    for (std::int64_t version = 1; version <= job.version(); ++version) {
      Counted of;
      std::string wrong = collect(world, job, version, counted, of);
      if (wrong.empty() && spec.quantisation) {
        wrong = add_up(spec, version, of, model);
      } else if (wrong.empty()) {
        model = reference_step(spec, model, of.updates, of.total_weight);
      }
      if (!wrong.empty()) return fmt::format("version {}: {}", version, wrong);
      // A version that was committed in the very event in which the server died was not seen.
      const auto there = seen.find(version);
      if (there != seen.end() && !alike(there->second, model.weights)) {
        return fmt::format("version {} is not what its {} accepted updates give", version,
                           of.count());
      }
    }
    return {};
  }

  // Of the statistics that were accepted in round 0, and of nobody else's: what every client was
  // told ever after.
  static std::string check_scaling(World& world, const app::Job& job) {
    const auto all = world.ledger().scalings().find(job.name());
    if (all == world.ledger().scalings().end()) return {};  // nobody was asked to train
    if (all->second.size() != 1) return "clients were told two kinds of scaling";
    const ToldScaling& told = *all->second.begin();
    const auto rows = world.server().journal().contributions(job.name(), 0);
    if (!rows) return "the journal cannot be read";
    std::vector<std::vector<ColumnSums>> columns(told.means.size());
    std::set<std::int64_t> clients;
    for (const store::ContributionRow& row : *rows) {
      if (row.outcome != "accepted") continue;
      const UpdateId id = id_of(world, job, row);
      const TrainedUpdate* made = world.ledger().find(id);
      if (made == nullptr || !made->statistics || made->columns.size() != columns.size())
        return fmt::format("site-{}'s statistics were never made", id.client + 1);
      if (!clients.insert(row.client).second)
        return fmt::format("site-{}'s statistics are counted twice", id.client + 1);
      for (std::size_t i = 0; i < columns.size(); ++i) columns[i].push_back(made->columns[i]);
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (!reference_column(columns[i]).is_scaled(told.means[i], told.deviations[i]))
        return fmt::format("the scaling of column {} is not that of the rows of {} sites", i + 1,
                           clients.size());
    }
    const bool scales = job.plan().number_columns > 0;
    const bool known = scales ? told.means.size() == job.plan().number_columns && !clients.empty()
                              : told.means.empty() && clients.empty();
    return known ? "" : "clients were told of other columns than the job's";
  }

  static UpdateId id_of(World& world, const app::Job& job, const store::ContributionRow& row) {
    const Checksum shown = job.plan().spec.secure_aggregation ? Checksum() : row.checksum;
    return {world.client_of(row.client), job.name(), row.task, shown};
  }

  // The accepted updates of a version, from the journal; their bytes, from who made them.
  std::string collect(World& world, const app::Job& job, std::int64_t version,
                      std::set<UpdateId>& counted, Counted& of) {
    const auto rows = world.server().journal().contributions(job.name(), version);
    const auto history = world.server().journal().history(job.name());
    if (!rows || !history) return "the journal cannot be read";
    for (const store::RoundRow& round : *history) {
      if (round.round != version || round.state != "committed") continue;
      of.total_weight = round.total_weight;
      of.metrics = round.metrics;
    }
    const config::JobSpec& spec = job.plan().spec;
    std::set<std::pair<std::int64_t, std::int64_t>> tasks;
    for (const store::ContributionRow& row : *rows) {
      if (row.outcome != "accepted") continue;
      const UpdateId id = id_of(world, job, row);
      const std::string who = fmt::format("site-{}'s update of task {}", id.client + 1, row.task);
      const TrainedUpdate* trained = world.ledger().find(id);
      const bool made = trained != nullptr && !(trained->hidden && trained->coded.empty());
      if (!made) return who + " was never made";
      if (!tasks.insert({row.client, row.task}).second) return who + " is counted twice";
      if (!counted.insert(id).second) return who + " was counted in an earlier version";
      if (trained->examples != row.examples) return who + " has another number of examples";
      if (spec.quantisation) {
        of.coded.push_back(&trained->coded);
        of.bases.insert(trained->base_version);
      } else {
        of.updates.push_back({&trained->values, row.examples, version - 1 - trained->base_version});
      }
    }
    return of.count() == 0 ? "it has no accepted update" : "";
  }

  // The exact sum of the integers of those whose updates are counted, and of no others.
  static std::string add_up(const config::JobSpec& spec, std::int64_t version, const Counted& of,
                            ReferenceModel& model) {
    if (of.bases.size() != 1) return "its updates began from different versions";
    const std::int64_t base = *of.bases.begin();
    const ReferenceSum sum = reference_sum(spec, base, model.weights.size(), of.coded);
    if (sum.wraps && spec.secure_aggregation) return "its sum is beyond the modulus";
    const double discount = reference_discount(spec, version - 1 - base);
    model = reference_apply(spec, model, sum.means, discount);
    const auto metrics = nlohmann::json::parse(of.metrics, nullptr, false);
    if (!spec.secure_aggregation || sum.loss_weight == 0) return {};
    if (!metrics.is_object() || !metrics.contains("clients")) return "it has no metrics";
    const auto& clients = metrics["clients"];
    const bool same = clients["examples"].get<double>() == sum.loss_weight &&
                      std::abs(clients["loss"].get<double>() - sum.loss) <= 1e-9 * sum.loss;
    return same ? "" : "its metrics are not those of its clients: " + of.metrics;
  }

  std::map<std::string, std::shared_ptr<const app::GlobalModel>> latest_;
  std::map<std::string, std::map<std::int64_t, std::vector<float>>> seen_;
};

}  // namespace

std::unique_ptr<Checker> check_models() { return std::make_unique<Models>(); }

}  // namespace fed::sim
