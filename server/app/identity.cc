#include "app/identity.h"

#include "cli/service.h"

namespace fed::app {

Result<crypto::X25519KeyPair> load_identity(Disk& disk, const fs::path& state) {
  if (const auto credential = cli::credential("server.key")) {
    FED_ASSIGN(key,
               crypto::load_key_file(real_disk(), *credential, crypto::KeyFileAccess::credential));
    return crypto::X25519KeyPair(std::move(key));
  }
  FED_ASSIGN(key, crypto::load_or_create_key_file(disk, state / "server.key"));
  return crypto::X25519KeyPair(std::move(key));
}

}  // namespace fed::app
