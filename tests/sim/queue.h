// The simulator's time: events in the order of (time, number), run one by one on one thread.
//
// Time moves only when an event is taken. Two events at the same time run in the order in which
// they were made, so one seed gives one history. Not thread-safe: one queue a seed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/loop.h"

namespace fed::sim {

class Queue {
 public:
  using Key = std::pair<Instant, std::uint64_t>;

  Instant now() const { return now_; }

  // `owner` names whose event it is, for `drop`. `when` in the past means now.
  Key add(Instant when, const void* owner, Work work);
  void remove(const Key& key) { events_.erase(key); }
  // Forgets the name and all events of `owner`, without running them.
  void drop(const void* owner);

  // Who is at work, for whoever tells of it: the owner of the event, unless somebody has said
  // otherwise within it.
  void name(const void* owner, std::string name) { names_[owner] = std::move(name); }
  void speak_as(const void* owner) { speaking_ = owner; }
  // "" if it has no name.
  std::string speaker() const;

  // Runs the next event, if it is due by `until`; false if there is none (the time is then
  // `until`).
  bool step(Instant until);

  std::size_t size() const { return events_.size(); }

 private:
  struct Event {
    const void* owner;
    Work work;
  };
  std::map<Key, Event> events_;
  Instant now_ = Instant() + std::chrono::hours(1);
  std::uint64_t made_ = 0;
  std::map<const void*, std::string> names_;
  const void* speaking_ = nullptr;
};

}  // namespace fed::sim
