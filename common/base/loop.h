// Time and the order of things as an interface, so that the same code runs under Asio with real
// clocks (net/asio_loop.h) and in a simulator whose hours take milliseconds.
//
// An Executor takes work; a Loop is an Executor that runs one thing at a time, in order, and knows
// what time it is. Whoever lives on a loop is called on it only, and needs no lock. Both outlive
// everything that was given to them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/clock.h"

namespace fed {

using Work = std::function<void()>;

// Where work is put to be done later, never inside the call. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(Work work) = 0;
};

// Something that will happen; destroying or cancelling this makes it not happen. Move-only. Used on
// its loop.
class Timer {
 public:
  Timer() = default;
  // The loop keeps no more than a weak reference to `pending`.
  explicit Timer(std::shared_ptr<void> pending) : pending_(std::move(pending)) {}
  Timer(Timer&&) = default;
  Timer& operator=(Timer&&) = default;

  void cancel() { pending_.reset(); }

 private:
  std::shared_ptr<void> pending_;
};

// `post` is thread-safe; the rest is for whoever runs on the loop, but for the clocks.
class Loop : public Executor {
 public:
  virtual Instant now() const = 0;
  // Wall-clock time, which may jump: for people and for the expiry of join codes.
  virtual std::int64_t unix_seconds() const = 0;
  // Calls `then` on the loop once, at `when` or as soon as it can after it.
  [[nodiscard]] virtual Timer at(Instant when, Work then) = 0;

  [[nodiscard]] Timer after(Duration pause, Work then) {
    return at(now() + pause, std::move(then));
  }
};

}  // namespace fed
