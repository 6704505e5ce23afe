// Who this client is: the keys in its state folder, and the lock that keeps a second process out.
//
// `client.key` (X25519) proves the client to its server in every handshake; `identity.key` (the
// seed of an Ed25519 pair) signs once, when it joins. Both are of mode 0600; where the service
// manager passes credentials of these names (systemd.exec(5), LoadCredential=), those come first.
// The keys are in locked memory. Movable; reads are safe from any thread.
#pragma once

#include "base/disk.h"
#include "channel/handshake.h"
#include "config/client.h"
#include "crypto/ed25519.h"
#include "crypto/x25519.h"
#include "session/storage_key.h"

namespace fed::app {

struct ClientKeys {
  crypto::X25519KeyPair channel;
  crypto::Ed25519KeyPair identity;
};

// ErrorCode::not_found, with what to do, if this client has not joined yet.
Result<ClientKeys> load_keys(Disk& disk, const fs::path& state);

// The same, but makes the keys that are missing.
Result<ClientKeys> load_or_create_keys(Disk& disk, const fs::path& state);

// Under which the outbox is sealed: of client.key.
session::StorageKey storage_key(const ClientKeys& keys);
// The same for a look from outside; not_found where this process cannot see client.key.
Result<session::StorageKey> load_storage_key(Disk& disk, const fs::path& state);

// Creates the folder if need be and takes it for this process, until the File is gone.
// ErrorCode::already_exists if another process has it.
Result<File> lock_state(Disk& disk, const fs::path& state);

// What a client with this file says to its server: XK, with a fresh ephemeral key. `keys` must
// outlive it. ErrorCode::invalid for a server_key that is none.
Result<channel::ClientHandshake> make_handshake(const config::ClientSpec& spec,
                                                const ClientKeys& keys);

}  // namespace fed::app
