// A handshake (channel/handshake.h) over a cable, as the listener and the client's dialler do it.
//
// Held by its maker until `done` has been called, which happens once unless it is destroyed before.
#pragma once

#include <functional>
#include <memory>

#include "cable.h"
#include "channel/handshake.h"
#include "sim_loop.h"

namespace fed::sim {

// What is there when a handshake is done; `early` are bytes of the first records.
struct Greeted {
  channel::Established established;
  Bytes early;
};
using GreetingDone = std::function<void(Result<Greeted>)>;

template <class Handshake>
class Greeting final : public CableEnd, public std::enable_shared_from_this<Greeting<Handshake>> {
 public:
  // `deadline`: the handshake is given up then.
  Greeting(SimLoop& loop, std::shared_ptr<Cable> cable, Side side, Handshake handshake,
           Duration deadline, GreetingDone done)
      : loop_(loop),
        cable_(std::move(cable)),
        side_(side),
        handshake_(std::move(handshake)),
        done_(std::move(done)),
        watchdog_(loop.after(deadline, [this] {
          end(Error{ErrorCode::closed, "no handshake in time"});
        })) {}

  void start() {
    cable_->attach(side_, this->weak_from_this());
    speak();
  }

  void arrived(ByteView bytes) override {
    loop_.speak();
    const auto keep = this->shared_from_this();
    while (!bytes.empty() && !handshake_.finished()) {
      const auto used = handshake_.feed(bytes);
      if (!used) return end(used.error());
      bytes = bytes.subspan(*used);
      speak();
    }
    if (handshake_.finished()) finish(copy(bytes));
  }
  void writable() override {}
  void lost(const Error& why) override {
    loop_.speak();
    end(why);
  }

  const std::shared_ptr<Cable>& cable() const { return cable_; }

 private:
  // Handshakes are far smaller than a cable's window.
  void speak() {
    const Bytes output = handshake_.take_output();
    FED_CHECK(cable_->write(side_, output) == output.size());
  }
  void finish(Bytes early) {
    if (!done_) return;
    watchdog_.cancel();
    std::exchange(done_, nullptr)(Greeted{std::move(handshake_).finish(), std::move(early)});
  }
  void end(Error why) {
    if (!done_) return;
    const auto keep = this->shared_from_this();
    watchdog_.cancel();
    cable_->close(side_);
    std::exchange(done_, nullptr)(std::move(why));
  }

  SimLoop& loop_;
  std::shared_ptr<Cable> cable_;
  const Side side_;
  Handshake handshake_;
  GreetingDone done_;
  Timer watchdog_;
};

}  // namespace fed::sim
