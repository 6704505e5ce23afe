// The real way to the server: TCP and the handshake, with this client's keys.
#pragma once

#include "app/client_keys.h"
#include "app/dialer.h"
#include "net/asio_loop.h"

namespace fed::app {

// `spec` and `keys` outlive it, and it outlives the loop's io_context.
class TcpDialer final : public Dialer {
 public:
  TcpDialer(net::AsioLoop& loop, const config::ClientSpec& spec, const ClientKeys& keys)
      : loop_(loop), spec_(spec), keys_(keys) {}

  void dial(const net::Limits& limits, Duration deadline, Dialled done) override;

 private:
  net::AsioLoop& loop_;
  const config::ClientSpec& spec_;
  const ClientKeys& keys_;
};

}  // namespace fed::app
