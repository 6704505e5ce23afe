#include "app/join_session.h"

#include "base/log.h"

namespace fed::app {

JoinSession::JoinSession(std::shared_ptr<net::Link> link, Peer peer, Register enrol,
                         Executor& control)
    : link_(std::move(link)), peer_(std::move(peer)), enrol_(std::move(enrol)), control_(control) {}

Error JoinSession::unexpected() {
  return {ErrorCode::malformed, "a connection made with a join code can only join"};
}

Status JoinSession::on_message(wire::Message message) {
  const auto* join = std::get_if<wire::Join>(&message);
  if (join == nullptr || std::exchange(asked_, true)) return unexpected();
  // The signature ties the identity to this very handshake, so that nobody can enrol a key that is
  // another's.
  FED_TRY(crypto::verify(join->identity_key, peer_.handshake_hash, join->signature));
  control_.post([self = shared_from_this(), identity = join->identity_key] {
    auto name = self->enrol_(self->peer_.id, self->peer_.key, identity);
    if (!name) log::warning("joining from {} failed: {}", self->peer_.address, name.error().detail);
    self->link_->loop().post(
        [self, name = std::move(name)]() mutable { self->answer(std::move(name)); });
  });
  return {};
}

void JoinSession::answer(Result<std::string> name) {
  if (name) {
    link_->send(wire::Joined{*name});
  } else {
    link_->send(wire::Bye{name.error().detail, false});
  }
  link_->finish();
}

}  // namespace fed::app
