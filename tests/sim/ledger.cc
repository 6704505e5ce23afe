#include "ledger.h"

namespace fed::sim {

void Ledger::overhear(std::size_t client, const wire::Message& message, bool incoming) {
  sums_.overhear(client, message, incoming);
  note(client, message, incoming);
  if (on_message) on_message(client, message, incoming);
}

void Ledger::note(std::size_t client, const wire::Message& message, bool incoming) {
  if (const auto* offer = std::get_if<wire::Offer>(&message); offer != nullptr && !incoming) {
    const Checksum shown = offer->model ? Checksum() : offer->checksum;
    const UpdateId id{client, offer->job, offer->task, shown};
    ++offered_[id];
    latest_[{client, offer->job, offer->task}] = id;
  }
  if (!incoming) return;
  if (std::holds_alternative<wire::Retry>(message)) ++retries_;
  const auto* task = std::get_if<wire::Task>(&message);
  if (task != nullptr && task->kind == wire::TaskKind::training)
    scalings_[task->job].insert({task->means, task->deviations});
  const auto* receipt = std::get_if<wire::Receipt>(&message);
  if (receipt == nullptr) return;
  const auto latest = latest_.find({client, receipt->job, receipt->task});
  if (latest == latest_.end()) return;
  told_.push_back({latest->second, receipt->outcome, receipt->reason, receipt->detail});
}

}  // namespace fed::sim
