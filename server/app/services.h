// What the jobs of a daemon share. References; everything outlives the jobs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aggregate/tile_pool.h"
#include "app/session.h"
#include "app/site_limits.h"
#include "base/loop.h"
#include "config/server.h"
#include "store/checkpoints.h"
#include "store/journal.h"
#include "store/staging.h"

namespace fed::app {

// Adding up smaller updates early takes longer than it saves.
inline constexpr std::uint64_t kEarlyFoldFrom = 256 * 1024;

struct Services {
  const config::ServerSpec& config;
  store::Journal& journal;  // control loop only
  store::Staging& staging;
  const store::Checkpoints& checkpoints;
  aggregate::ParallelFor parallel_for;  // for kernels, on `threads` threads
  unsigned threads = 1;
  // Updates of at least so many bytes are folded while a round's others come in.
  std::uint64_t early_fold_from = kEarlyFoldFrom;
  Disk& disk;
  fs::path blobs;  // folder for sealed models
  Loop& control;
  Executor& compute;
  // Control loop only. The session of a connected client, or null.
  std::function<std::shared_ptr<Session>(std::int64_t client)> session_of;
  std::function<std::string(std::int64_t client)> name_of;
  // The Ed25519 key that the client has joined with.
  std::function<crypto::VerifyKey(std::int64_t client)> identity_of;
  // What a connected client has said of its site's limits; null if it has none.
  std::function<const SiteLimits*(std::int64_t client)> site_of;
  // A job has come to its end, or to rest because it is drained.
  std::function<void(const std::string& job)> at_rest;
};

}  // namespace fed::app
