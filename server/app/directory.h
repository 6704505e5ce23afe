// Who may connect: the journal's clients and invites, as the handshakes on all event loops see
// them.
//
// Thread-safe. The control loop changes it after the journal has been written; handshakes only
// read.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "channel/handshake.h"

namespace fed::app {

struct KnownClient {
  std::int64_t id = 0;
  std::string name;
};

class Directory {
 public:
  void add_client(const crypto::PublicKey& key, KnownClient client);
  void remove_client(const crypto::PublicKey& key);
  std::optional<KnownClient> find(const crypto::PublicKey& key) const;

  void add_invite(const channel::JoinId& id, crypto::SecretKey psk, std::int64_t expires_at);
  void remove_invite(const channel::JoinId& id);

  // The view that handshakes use; this object must outlive it. `unix_time` tells an invite's
  // expiry.
  channel::ServerDirectory for_handshakes(std::function<std::int64_t()> unix_time) const;

 private:
  struct Secret {
    crypto::SecretKey psk;
    std::int64_t expires_at = 0;
  };

  mutable std::mutex mutex_;
  std::map<crypto::PublicKey, KnownClient> clients_;
  std::map<channel::JoinId, Secret> invites_;
};

}  // namespace fed::app
