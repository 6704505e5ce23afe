#include "app/directory.h"

namespace fed::app {

void Directory::add_client(const crypto::PublicKey& key, KnownClient client) {
  const std::lock_guard lock(mutex_);
  clients_[key] = std::move(client);
}

void Directory::remove_client(const crypto::PublicKey& key) {
  const std::lock_guard lock(mutex_);
  clients_.erase(key);
}

std::optional<KnownClient> Directory::find(const crypto::PublicKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto entry = clients_.find(key);
  if (entry == clients_.end()) return std::nullopt;
  return entry->second;
}

void Directory::add_invite(const channel::JoinId& id, crypto::SecretKey psk,
                           std::int64_t expires_at) {
  const std::lock_guard lock(mutex_);
  invites_.insert_or_assign(id, Secret{std::move(psk), expires_at});
}

void Directory::remove_invite(const channel::JoinId& id) {
  const std::lock_guard lock(mutex_);
  invites_.erase(id);
}

channel::ServerDirectory Directory::for_handshakes(std::function<std::int64_t()> unix_time) const {
  channel::ServerDirectory view;
  view.allow = [this](const crypto::PublicKey& key) -> Status {
    if (find(key)) return {};
    return Error{ErrorCode::not_found, "a client with an unknown or revoked key"};
  };
  view.psk_of = [this, unix_time](const channel::JoinId& id) -> Result<crypto::SecretKey> {
    const std::lock_guard lock(mutex_);
    const auto entry = invites_.find(id);
    if (entry == invites_.end()) return Error{ErrorCode::not_found, "an unknown or used join code"};
    if (entry->second.expires_at <= unix_time())
      return Error{ErrorCode::invalid, "an expired join code"};
    return entry->second.psk.duplicate(crypto::Memory::plain);
  };
  return view;
}

}  // namespace fed::app
