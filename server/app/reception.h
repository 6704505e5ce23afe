// Who is let in: a peer that has proven its key becomes a session, or a joining.
//
// Thread-safe; each link is used on its own loop.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "app/coordinator.h"
#include "channel/handshake.h"
#include "net/protocol.h"

namespace fed::app {

class Reception {
 public:
  explicit Reception(Coordinator& coordinator)
      : coordinator_(coordinator), config_(coordinator.parts().config) {}

  // What the links of clients are made with.
  net::Limits limits() const;

  // On the link's loop. `link` has not been started; one that is refused never is. `peer` is what
  // the handshake has left, but for the transport, which is in the link.
  void receive(const std::shared_ptr<net::Link>& link, const channel::Established& peer,
               std::string address);

 private:
  std::shared_ptr<void> counted();
  void receive_joining(const std::shared_ptr<net::Link>& link, const channel::Established& peer,
                       std::string address);

  Coordinator& coordinator_;
  const config::ServerSpec& config_;
  using Count = std::atomic<std::int64_t>;
  const std::shared_ptr<Count> links_ = std::make_shared<Count>(0);  // may outlive this
};

}  // namespace fed::app
