// The server's end of a connection that was made with a join code: one Join, one Joined, the end.
//
// On the link's event loop; the registration itself happens on the control loop.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "channel/handshake.h"
#include "crypto/ed25519.h"
#include "net/link.h"

namespace fed::app {

// Registers a client that has proven its channel key; answers with its name. Called on the control
// loop.
using Register = std::function<Result<std::string>(
    const channel::JoinId& id, const crypto::PublicKey& key, const crypto::VerifyKey& identity)>;

class JoinSession final : public net::Handler, public std::enable_shared_from_this<JoinSession> {
 public:
  struct Peer {
    channel::JoinId id{};
    crypto::PublicKey key{};
    crypto::Hash handshake_hash{};
    std::string address;
  };
  JoinSession(std::shared_ptr<net::Link> link, Peer peer, Register enrol, Executor& control);

  Status on_message(wire::Message message) override;
  Status on_chunk(std::uint64_t, std::uint64_t, ByteView) override { return unexpected(); }
  Status on_sealed(ByteView) override { return unexpected(); }
  void on_bulk_sent() override {}
  void on_closed(const Error&) override {}

 private:
  static Error unexpected();
  void answer(Result<std::string> name);

  const std::shared_ptr<net::Link> link_;
  const Peer peer_;
  const Register enrol_;
  Executor& control_;
  bool asked_ = false;
};

}  // namespace fed::app
