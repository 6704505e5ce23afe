#include "app/admin_client.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace fed::app {
namespace {

namespace asio = boost::asio;
using Code = boost::system::error_code;
using Json = nlohmann::json;

constexpr std::size_t kPieceBytes = 256 * 1024;

Error lost(const Code& error) {
  return {ErrorCode::closed, "the daemon closed the connection: " + error.message()};
}

ErrorCode code_named(const std::string& wanted) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::unsupported); ++i) {
    if (wanted == name(static_cast<ErrorCode>(i))) return static_cast<ErrorCode>(i);
  }
  return ErrorCode::invalid;
}

}  // namespace

Result<AdminClient> AdminClient::connect(const fs::path& socket) {
  AdminClient client;
  Code error;
  client.socket_.connect(asio::local::stream_protocol::endpoint(socket.string()), error);
  if (!error) return client;
  return Error{ErrorCode::closed,
               "no daemon answers at " + socket.string() + " (" + error.message() +
                   "): start it with `fedserver run`, or name its socket with --socket or "
                   "its file with --config"};
}

Result<Json> AdminClient::ask(const Json& request) {
  const std::string line = request.dump() + "\n";
  Code error;
  asio::write(socket_, asio::buffer(line), error);
  if (error) return lost(error);
  const std::size_t length = asio::read_until(socket_, asio::dynamic_buffer(input_), '\n', error);
  if (error) return lost(error);
  Json answer = Json::parse(input_.substr(0, length), nullptr, false);
  input_.erase(0, length);
  if (!answer.is_object())
    return Error{ErrorCode::malformed, "the daemon's answer is not understood"};
  if (answer.contains("error")) {
    return Error{code_named(answer["error"]), answer["detail"].get<std::string>()};
  }
  return {boost::system::in_place_value, std::move(answer)};
}

Status AdminClient::receive_file(std::uint64_t bytes, const fs::path& path) {
  const fs::path temporary = path.string() + ".tmp";
  FED_TRY(remove_file(temporary));
  FED_ASSIGN(file, File::open_to_write(temporary, 0644));
  std::uint64_t done = 0;
  while (done < bytes) {
    Code error;
    const std::size_t wanted = std::min<std::uint64_t>(bytes - done, kPieceBytes);
    if (input_.size() < wanted) {
      asio::read(socket_, asio::dynamic_buffer(input_),
                 asio::transfer_at_least(wanted - input_.size()), error);
    }
    if (error) return lost(error);
    FED_TRY(file.write_at(done, view(std::string_view(input_).substr(0, wanted))));
    input_.erase(0, wanted);
    done += wanted;
  }
  FED_TRY(file.sync(Durability::power));
  return rename_file(temporary, path, Durability::power);
}

}  // namespace fed::app
