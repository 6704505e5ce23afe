// What really happened, as nobody inside the world can see it: every update that was trained, who
// offered what, and what was answered. The checkers judge by it.
//
// Plain records; one a seed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/checksum.h"
#include "wire/messages.h"

namespace fed::sim {

// Whose update of which task, with which bytes.
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
  bool statistics = false;
  bool honest = true;
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
  void trained(const UpdateId& id, TrainedUpdate update) { trained_[id] = std::move(update); }
  void forget(const UpdateId& id) { trained_.erase(id); }
  const TrainedUpdate* find(const UpdateId& id) const {
    const auto entry = trained_.find(id);
    return entry == trained_.end() ? nullptr : &entry->second;
  }

  // What passes on a client's link.
  void overhear(std::size_t client, const wire::Message& message, bool incoming);

  const std::map<UpdateId, TrainedUpdate>& all_trained() const { return trained_; }
  const std::map<UpdateId, int>& offered() const { return offered_; }  // how often
  const std::vector<Told>& told() const { return told_; }
  std::uint64_t retries() const { return retries_; }

 private:
  // The update that a client has offered last for this task: what an answer is about.
  std::map<std::tuple<std::size_t, std::string, std::int64_t>, UpdateId> latest_;
  std::map<UpdateId, TrainedUpdate> trained_;
  std::map<UpdateId, int> offered_;
  std::vector<Told> told_;
  std::uint64_t retries_ = 0;
};

}  // namespace fed::sim
