// What really happened, as nobody inside the world can see it: every update that was trained, who
// offered what, and what was answered. The checkers judge by it.
//
// Plain records; one a seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/checksum.h"
#include "site_columns.h"
#include "sums.h"
#include "wire/messages.h"

namespace fed::sim {

// Whose update of which task, with which bytes. One that is seen in a sum only has no checksum
// here: what lies with its client is never shown, and what is shown is under another mask each
// time.
struct UpdateId {
  std::size_t client = 0;
  std::string job;
  std::int64_t task = 0;
  Checksum checksum{};

  auto operator<=>(const UpdateId&) const = default;
};

struct TrainedUpdate {
  std::int64_t base_version = 0;
  std::int64_t examples = 0;
  std::vector<float> values;  // of a training task
  Bytes coded{};              // what it is as integers, where it is
  bool hidden = false;        // seen in a sum only
  bool statistics = false;
  std::vector<ColumnSums> columns{};  // of statistics: what they stand for
  bool honest = true;
};

// How numbers are to be scaled, as a client is told with a training task.
struct ToldScaling {
  std::vector<double> means, deviations;

  auto operator<=>(const ToldScaling&) const = default;
};

// An answer that a client has heard.
struct Told {
  UpdateId update;
  wire::Outcome outcome = wire::Outcome::accepted;
  std::uint8_t reason = 0;
  std::string detail;
};

class Ledger {
 public:
  // The update of these bytes came to be.
  void trained(const UpdateId& id, TrainedUpdate update) {
    // Statistics that are gathered again are the same ones.
    if (!update.statistics) sums_.trained(id.client, id.job, id.task);
    ++trainings_[{id.client, id.job, id.task}];
    trained_[id] = std::move(update);
  }
  // Of a client's task, so far.
  std::uint64_t trainings(std::size_t client, const std::string& job, std::int64_t task) const {
    const auto at = trainings_.find({client, job, task});
    return at == trainings_.end() ? 0 : at->second;
  }
  void forget(const UpdateId& id) { trained_.erase(id); }
  const TrainedUpdate* find(const UpdateId& id) const {
    const auto entry = trained_.find(id);
    return entry == trained_.end() ? nullptr : &entry->second;
  }

  // What passes on a client's link.
  void overhear(std::size_t client, const wire::Message& message, bool incoming);
  // Told of it afterwards, in the middle of the event.
  std::function<void(std::size_t client, const wire::Message& message, bool incoming)> on_message;

  Sums& sums() { return sums_; }

  const std::map<UpdateId, TrainedUpdate>& all_trained() const { return trained_; }
  const std::map<UpdateId, int>& offered() const { return offered_; }  // how often
  const std::vector<Told>& told() const { return told_; }
  // Of each job all kinds that any client was told; of a job without scaling, an empty one.
  const std::map<std::string, std::set<ToldScaling>>& scalings() const { return scalings_; }
  std::uint64_t retries() const { return retries_; }

 private:
  void note(std::size_t client, const wire::Message& message, bool incoming);

  // The update that a client has offered last for this task: what an answer is about.
  std::map<std::tuple<std::size_t, std::string, std::int64_t>, UpdateId> latest_;
  std::map<UpdateId, TrainedUpdate> trained_;
  Sums sums_;
  std::map<std::tuple<std::size_t, std::string, std::int64_t>, std::uint64_t> trainings_;
  std::map<UpdateId, int> offered_;
  std::vector<Told> told_;
  std::map<std::string, std::set<ToldScaling>> scalings_;
  std::uint64_t retries_ = 0;
};

}  // namespace fed::sim
