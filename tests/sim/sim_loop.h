// Loops and executors over the simulator's queue: what threads do in the daemons.
//
// A post to a loop arrives a moment later, how much is left to chance, but never overtakes an
// earlier one to the same loop: that is what threads may do to each other. Destroying a loop or an
// executor forgets what was posted to it.
#pragma once

#include "base/random.h"
#include "queue.h"

namespace fed::sim {

class SimLoop final : public Loop {
 public:
  // `unix_offset` is what the machine's wall clock is off by; it outlives the loop.
  // `machine` is whose loop it is, for Queue::speaker.
  SimLoop(Queue& queue, std::uint64_t seed, const std::int64_t& unix_offset,
          std::string machine = {})
      : queue_(queue), random_(seed), unix_offset_(unix_offset) {
    queue_.name(this, std::move(machine));
  }
  ~SimLoop() override { queue_.drop(this); }

  // What is done in the present event is done by this machine.
  void speak() const { queue_.speak_as(this); }

  void post(Work work) override;
  // For work that is computed aside (aside.h): when it was posted.
  Instant now() const override;
  std::int64_t unix_seconds() const override;
  Timer at(Instant when, Work then) override;

 private:
  Queue& queue_;
  Random random_;
  const std::int64_t& unix_offset_;
  Instant last_post_{};
};

// Work that takes time: each piece between `least` and `most`, on one thread or on any number.
class SimExecutor final : public Executor {
 public:
  struct Pace {
    Duration least{}, most{};
    bool in_turn = false;  // one thread: the next begins when the one before has ended
  };
  SimExecutor(Queue& queue, std::uint64_t seed, Pace pace, std::string machine = {})
      : queue_(queue), random_(seed), pace_(pace) {
    queue_.name(this, std::move(machine));
  }
  ~SimExecutor() override { queue_.drop(this); }

  void post(Work work) override;

 private:
  Queue& queue_;
  Random random_;
  const Pace pace_;
  Instant busy_until_{};
};

// Uniform between the two.
Duration between(Random& random, Duration least, Duration most);

}  // namespace fed::sim
