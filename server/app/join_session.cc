#include "app/join_session.h"

#include <boost/asio/post.hpp>

#include "base/log.h"

namespace fed::app {

namespace asio = boost::asio;

JoinSession::JoinSession(std::shared_ptr<net::Connection> connection, Peer peer, Register enrol,
                         asio::any_io_executor control)
    : connection_(std::move(connection)),
      peer_(std::move(peer)),
      enrol_(std::move(enrol)),
      control_(std::move(control)) {}

Error JoinSession::unexpected() {
  return {ErrorCode::malformed, "a connection made with a join code can only join"};
}

Status JoinSession::on_message(wire::Message message) {
  const auto* join = std::get_if<wire::Join>(&message);
  if (join == nullptr || std::exchange(asked_, true)) return unexpected();
  // The signature ties the identity to this very handshake, so that nobody can enrol a key that is
  // another's.
  FED_TRY(crypto::verify(join->identity_key, peer_.handshake_hash, join->signature));
  asio::post(control_, [self = shared_from_this(), identity = join->identity_key] {
    auto name = self->enrol_(self->peer_.id, self->peer_.key, identity);
    if (!name) log::warning("joining from {} failed: {}", self->peer_.address, name.error().detail);
    asio::post(self->connection_->executor(),
               [self, name = std::move(name)]() mutable { self->answer(std::move(name)); });
  });
  return {};
}

void JoinSession::answer(Result<std::string> name) {
  if (name) {
    connection_->send(wire::Joined{*name});
  } else {
    connection_->send(wire::Bye{name.error().detail, false});
  }
  connection_->finish();
}

}  // namespace fed::app
