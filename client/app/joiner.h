// The client's side of the conversation in which a server learns its keys (join.h), over any link.
//
// Pure but for keys: the carrier of the bytes is the caller's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/client_keys.h"
#include "channel/join_code.h"
#include "net/link.h"

namespace fed::app {

// With the code's secret, to join; without it if the server may know these keys already, since they
// have joined by it and the answer was lost. `keys` must outlive it.
Result<channel::ClientHandshake> join_handshake(const channel::JoinCode& code,
                                                const ClientKeys& keys, bool known);

// What is then said first.
wire::Message join_request(const ClientKeys& keys, bool known, const crypto::Hash& handshake_hash);

// Waits for Joined, or for the Welcome of a client that is known; then ends the session. Lives on
// the link's loop.
class Joiner final : public net::Handler {
 public:
  explicit Joiner(std::shared_ptr<net::Link> link);

  Status on_message(wire::Message message) override;
  Status on_chunk(std::uint64_t, std::uint64_t, ByteView) override { return unexpected(); }
  Status on_sealed(ByteView) override { return unexpected(); }
  void on_bulk_sent() override {}
  void on_closed(const Error&) override;

  // The name; final once the session has ended.
  const Result<std::string>& result() const { return result_; }
  // Called when it has, if set.
  std::function<void()> ended;

 private:
  static Status unexpected();

  std::shared_ptr<net::Link> link_;
  Result<std::string> result_;
};

}  // namespace fed::app
