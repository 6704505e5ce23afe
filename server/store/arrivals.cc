#include "store/arrivals.h"

namespace fed::store {

void Arrivals::finish(Upload upload, Done done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(upload), std::move(done)});
    if (std::exchange(at_work_, true)) return;
  }
  for (auto group = next_group(); !group.empty(); group = next_group()) {
    std::vector<Upload> uploads;
    for (Arrival& each : group) uploads.push_back(std::move(each.upload));
    std::vector<Result<UploadFacts>> facts = Upload::finish(uploads);
    for (std::size_t i = 0; i < group.size(); ++i) group[i].done(std::move(facts[i]));
  }
}

std::vector<Arrivals::Arrival> Arrivals::next_group() {
  const std::lock_guard lock(mutex_);
  at_work_ = !waiting_.empty();
  return std::exchange(waiting_, {});
}

}  // namespace fed::store
