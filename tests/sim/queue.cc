#include "queue.h"

#include <algorithm>
#include <vector>

namespace fed::sim {

Queue::Key Queue::add(Instant when, const void* owner, Work work) {
  const Key key{std::max(when, now_), ++made_};
  events_.emplace(key, Event{owner, std::move(work)});
  return key;
}

std::string Queue::speaker() const {
  const auto entry = names_.find(speaking_);
  return entry == names_.end() ? std::string() : entry->second;
}

void Queue::drop(const void* owner) {
  names_.erase(owner);
  // What an event holds may hold timers, whose end removes other events.
  std::vector<Event> dropped;
  for (auto it = events_.begin(); it != events_.end();) {
    if (it->second.owner == owner) {
      dropped.push_back(std::move(it->second));
      it = events_.erase(it);
    } else {
      ++it;
    }
  }
}

bool Queue::step(Instant until) {
  if (events_.empty() || events_.begin()->first.first > until) {
    now_ = std::max(now_, until);
    return false;
  }
  auto node = events_.extract(events_.begin());
  now_ = node.key().first;
  speaking_ = node.mapped().owner;
  node.mapped().work();
  speaking_ = nullptr;
  return true;
}

}  // namespace fed::sim
