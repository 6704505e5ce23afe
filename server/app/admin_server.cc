#include "app/admin_server.h"

#include <sys/stat.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "app/admin_commands.h"
#include "base/log.h"

namespace fed::app {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using Code = boost::system::error_code;

constexpr std::size_t kRequestMax = 2 * 1024 * 1024;
constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr mode_t kSocketMode = 0660;

// One operator's connection: a request at a time, until the other side leaves.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(Protocol::socket socket, std::shared_ptr<AdminCommands> commands)
      : socket_(std::move(socket)), commands_(std::move(commands)) {}

  void listen() {
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, kRequestMax), '\n',
                           [self = shared_from_this()](const Code& error, std::size_t length) {
                             if (!error) self->answer(length);
                           });
  }

 private:
  void answer(std::size_t length) {
    const std::string line = input_.substr(0, length);
    input_.erase(0, length);
    commands_->handle(line, [self = shared_from_this()](AdminReply reply) {
      self->output_ = reply.body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
      self->file_ = std::move(reply.file);
      self->position_ = 0;
      self->write();
    });
  }

  void write() {
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](const Code& error, std::size_t) {
                        if (error) return;
                        if (!self->file_) return self->listen();
                        self->write_piece();
                      });
  }

  void write_piece() {
    const std::uint64_t left = file_->bytes - position_;
    if (left == 0) {
      file_.reset();
      return listen();
    }
    output_.resize(std::min<std::uint64_t>(left, kPieceBytes));
    const ByteSpan piece(reinterpret_cast<std::uint8_t*>(output_.data()), output_.size());
    const Status read = file_->file.read_at(position_, piece);
    if (!read) {
      log::error("export: {}", read.error().detail);
      Code ignored;
      socket_.close(ignored);
      return;
    }
    position_ += piece.size();
    write();
  }

  Protocol::socket socket_;
  std::shared_ptr<AdminCommands> commands_;
  std::string input_, output_;
  std::optional<AdminReply::Attachment> file_;
  std::uint64_t position_ = 0;
};

}  // namespace

struct AdminServer::State : std::enable_shared_from_this<State> {
  State(asio::io_context& control, std::shared_ptr<AdminCommands> handler)
      : acceptor(control), commands(std::move(handler)) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](const Code& error, Protocol::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) std::make_shared<Conversation>(std::move(socket), self->commands)->listen();
      self->accept();
    });
  }

  Protocol::acceptor acceptor;
  std::shared_ptr<AdminCommands> commands;
  fs::path path;
};

AdminServer::AdminServer(asio::io_context& control, Coordinator& coordinator,
                         AdminIdentity identity, std::function<void()> stop)
    : state_(std::make_shared<State>(
          control,
          std::make_shared<AdminCommands>(coordinator, std::move(identity), std::move(stop)))) {}

AdminServer::~AdminServer() {
  Code ignored;
  state_->acceptor.close(ignored);
  if (!state_->path.empty() && !remove_file(state_->path))
    log::debug("the admin socket stays behind");
}

Status AdminServer::listen(const fs::path& path) {
  const auto failed = [&](const Code& error) {
    return Error{ErrorCode::io,
                 "cannot open the admin socket " + path.string() + ": " + error.message()};
  };
  Code error;
  fs::create_directories(path.parent_path(), error);
  if (fs::is_socket(path, error)) FED_TRY(remove_file(path));
  state_->acceptor.open(Protocol(), error);
  if (error) return failed(error);
  if (path.string().size() > 107) {
    return Error{ErrorCode::invalid,
                 "the path of the admin socket has more than 107 characters: " + path.string()};
  }
  const mode_t before = ::umask(static_cast<mode_t>(~kSocketMode & 0777));
  state_->acceptor.bind(Protocol::endpoint(path.string()), error);
  ::umask(before);
  if (!error) state_->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed(error);
  state_->path = path;
  state_->accept();
  return {};
}

}  // namespace fed::app
