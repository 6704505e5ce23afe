#include "app/server_state.h"

#include "app/identity.h"
#include "base/access.h"
#include "base/log.h"

namespace fed::app {
namespace {

// A sealed model has no name for long (global_model.h); a process that was killed in that moment
// has left it one.
Status remove_leftovers(Disk& disk, const fs::path& blobs) {
  FED_ASSIGN(entries, disk.list(blobs));
  for (const fs::path& left : entries) {
    FED_TRY(disk.remove(left));
  }
  return {};
}

}  // namespace

Result<ServerState> ServerState::open(Disk& disk, const config::ServerSpec& config) {
  const fs::path& folder = config.state_dir;
  FED_TRY(make_folder(disk, folder, config.durability));
  if (const auto open = open_to_others(disk, folder)) log::warning("{}", *open);
  FED_ASSIGN(lock, store::FolderLock::acquire(disk, folder));
  FED_ASSIGN(identity, load_identity(disk, folder));
  FED_ASSIGN(journal,
             store::Journal::open(disk, folder / "registry.db", {.durability = config.durability}));
  FED_ASSIGN(staging, store::Staging::open(disk, folder / "staging",
                                           {.durability = config.durability,
                                            .upload_bytes_max = config.limits.upload_bytes_max}));
  const fs::path blobs = folder / "blobs";
  FED_TRY(make_folder(disk, blobs, config.durability));
  FED_TRY(remove_leftovers(disk, blobs));
  return ServerState{std::move(lock),
                     std::move(identity),
                     std::move(journal),
                     std::move(staging),
                     store::Checkpoints(disk, folder / "checkpoints", config.durability),
                     blobs};
}

}  // namespace fed::app
