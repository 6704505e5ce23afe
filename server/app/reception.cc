#include "app/reception.h"

#include "app/join_session.h"
#include "base/log.h"

namespace fed::app {

net::Limits Reception::limits() const {
  return {.idle = from_seconds(config_.limits.idle_s),
          .message_bytes_max = wire::kFromClientBytesMax};
}

void Reception::receive(const std::shared_ptr<net::Link>& link, const channel::Established& peer,
                        std::string address) {
  if (links_->load() >= config_.limits.connections_max) {
    log::warning("a connection from {} is refused: limits.connections_max is reached", address);
    return;
  }
  if (peer.join_id) return receive_joining(link, peer, std::move(address));
  const CoordinatorParts& parts = coordinator_.parts();
  const auto client = parts.directory.find(peer.peer);
  if (!client) return;  // revoked since the handshake began
  link->hold(counted());
  const SessionParts session{parts.control, parts.compute, parts.staging, coordinator_};
  link->start(std::make_shared<Session>(link, *client, std::move(address), session));
}

std::shared_ptr<void> Reception::counted() {
  ++*links_;
  return {nullptr, [links = links_](void*) { --*links; }};
}

void Reception::receive_joining(const std::shared_ptr<net::Link>& link,
                                const channel::Established& peer, std::string address) {
  const auto enrol = [this](const channel::JoinId& id, const crypto::PublicKey& key,
                            const crypto::VerifyKey& identity) {
    return coordinator_.join(id, key, identity);
  };
  link->hold(counted());
  link->start(std::make_shared<JoinSession>(
      link, JoinSession::Peer{*peer.join_id, peer.peer, peer.handshake_hash, std::move(address)},
      enrol, coordinator_.parts().control));
}

}  // namespace fed::app
