#include "app/server_state.h"

#include "app/identity.h"

namespace fed::app {

Result<ServerState> ServerState::open(const config::ServerSpec& config) {
  const fs::path& folder = config.state_dir;
  FED_TRY(make_folder(folder));
  FED_ASSIGN(lock, store::FolderLock::acquire(folder));
  FED_ASSIGN(identity, load_identity(folder));
  FED_ASSIGN(journal,
             store::Journal::open(folder / "registry.db", {.durability = config.durability}));
  FED_ASSIGN(staging, store::Staging::open(folder / "staging",
                                           {.durability = config.durability,
                                            .upload_bytes_max = config.limits.upload_bytes_max}));
  const fs::path blobs = folder / "blobs";
  FED_TRY(make_folder(blobs));
  return ServerState{std::move(lock),
                     std::move(identity),
                     std::move(journal),
                     std::move(staging),
                     store::Checkpoints(folder / "checkpoints", config.durability),
                     blobs};
}

}  // namespace fed::app
