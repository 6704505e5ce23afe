// The operator's door: a Unix socket that file permissions guard, JSON lines in and out.
//
// A request is one line, {"command": NAME, ...}; the answer is one line, {"error", "detail"} if it
// failed, and for `export` the file's bytes behind it. Control loop only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "app/coordinator.h"

namespace fed::app {

// What join codes are made of.
struct AdminIdentity {
  crypto::PublicKey key{};
  std::string address;  // host:port that clients are to use
};

class AdminServer {
 public:
  // `stop` ends the daemon; it is called when a drain was asked for and all jobs rest.
  AdminServer(boost::asio::io_context& control, Coordinator& coordinator, AdminIdentity identity,
              std::function<void()> stop);
  ~AdminServer();

  // Binds with mode 0660; a socket that a dead daemon left is replaced. ErrorCode::io.
  Status listen(const fs::path& path);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace fed::app
