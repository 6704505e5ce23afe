// Joining: the one conversation in which a server learns a new client's keys.
//
// The handshake is XKpsk3 with the join code's one-time secret. Over the connection the client
// sends Join: its Ed25519 key and a signature over the handshake hash, so the key's holder was
// there in this very session. The server answers Joined with the name it was invited under. The
// keys are on disk before the first byte is sent: when the answer is lost, the same code works
// again with them.
#pragma once

#include <string>

#include "app/client_keys.h"
#include "channel/join_code.h"

namespace fed::app {

// Returns the client's name at the server. Errors say what to do: io (not reached), closed (the
// code is used, expired or of another server), and what the server says.
Result<std::string> join_server(const channel::JoinCode& code, const ClientKeys& keys);

}  // namespace fed::app
