#include "app/server_state.h"

#include "app/identity.h"

namespace fed::app {

Result<ServerState> ServerState::open(Disk& disk, const config::ServerSpec& config) {
  const fs::path& folder = config.state_dir;
  FED_TRY(make_folder(disk, folder, config.durability));
  FED_ASSIGN(lock, store::FolderLock::acquire(disk, folder));
  FED_ASSIGN(identity, load_identity(disk, folder));
  FED_ASSIGN(journal,
             store::Journal::open(disk, folder / "registry.db", {.durability = config.durability}));
  FED_ASSIGN(staging, store::Staging::open(disk, folder / "staging",
                                           {.durability = config.durability,
                                            .upload_bytes_max = config.limits.upload_bytes_max}));
  const fs::path blobs = folder / "blobs";
  FED_TRY(make_folder(disk, blobs, config.durability));
  return ServerState{std::move(lock),
                     std::move(identity),
                     std::move(journal),
                     std::move(staging),
                     store::Checkpoints(disk, folder / "checkpoints", config.durability),
                     blobs};
}

}  // namespace fed::app
