// The command line's end of the admin socket. Blocking; one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace fed::app {

class AdminClient {
 public:
  // ErrorCode::closed if no daemon listens there.
  static Result<AdminClient> connect(const fs::path& socket);

  // Sends a request and waits for the answer; what the daemon refused comes back as its error.
  Result<nlohmann::json> ask(const nlohmann::json& request);

  // Writes the bytes that follow an answer to `path`, all or nothing.
  Status receive_file(std::uint64_t bytes, const fs::path& path);

 private:
  AdminClient() : context_(std::make_unique<boost::asio::io_context>()), socket_(*context_) {}

  std::unique_ptr<boost::asio::io_context> context_;
  boost::asio::local::stream_protocol::socket socket_;
  std::string input_;
};

}  // namespace fed::app
