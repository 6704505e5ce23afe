// The server's own key. Thread-safe.
#pragma once

#include "base/disk.h"
#include "crypto/key_file.h"
#include "crypto/x25519.h"

namespace fed::app {

// From the service manager's credential `server.key` if there is one, else from `state/server.key`,
// which is made where it is missing.
Result<crypto::X25519KeyPair> load_identity(Disk& disk, const fs::path& state);

}  // namespace fed::app
