// A link whose other end is the test: what is sent on it is written down.
//
// Lives on its loop, like every link.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "net/link.h"

namespace fed::test {

class HeardLink final : public net::Link {
 public:
  explicit HeardLink(Loop& loop) : loop_(loop) {}
  void start(std::shared_ptr<net::Handler> handler) override { ear = std::move(handler); }
  void hold(std::shared_ptr<void>) override {}
  void set_idle(Duration) override {}
  void send(const wire::Message& message) override { heard.push_back(message); }
  void send_bulk(net::Bulk bulk) override {
    uploading = bulk.index() != 0;
    sending = std::move(bulk);
  }
  void finish() override { abort({ErrorCode::closed, "finished"}); }
  void abort(Error reason) override {
    open = false;
    if (ear) loop_.post([ear = ear, reason] { ear->on_closed(reason); });
  }
  Loop& loop() override { return loop_; }

  // What was heard of one kind, in order.
  template <class M>
  std::vector<M> all() const {
    std::vector<M> found;
    for (const wire::Message& message : heard) {
      if (const auto* m = std::get_if<M>(&message)) found.push_back(*m);
    }
    return found;
  }

  std::vector<wire::Message> heard;
  std::shared_ptr<net::Handler> ear;
  net::Bulk sending;
  bool open = true, uploading = false;

 private:
  Loop& loop_;
};

}  // namespace fed::test
