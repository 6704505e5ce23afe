// Everything of a server on disk, opened in the order in which it can fail.
//
// Plain parts; each has its own rules for threads.
#pragma once

#include <memory>

#include "config/server.h"
#include "crypto/x25519.h"
#include "store/checkpoints.h"
#include "store/journal.h"
#include "store/lock.h"
#include "store/staging.h"

namespace fed::app {

struct ServerState {
  store::FolderLock lock;
  crypto::X25519KeyPair identity;
  store::Journal journal;
  std::unique_ptr<store::Staging> staging;
  store::Checkpoints checkpoints;
  fs::path blobs;

  // On `disk`, which outlives it. Makes what is missing. ErrorCode::already_exists if another
  // process has the folder.
  static Result<ServerState> open(Disk& disk, const config::ServerSpec& config);
};

}  // namespace fed::app
