#include "app/client_keys.h"

#include <algorithm>

#include "cli/service.h"
#include "crypto/key_file.h"

namespace fed::app {
namespace {

constexpr const char* kChannelKey = "client.key";
constexpr const char* kIdentityKey = "identity.key";

Result<crypto::SecretKey> load(Disk& disk, const fs::path& state, const char* name) {
  const auto credential = cli::credential(name);
  if (credential)
    return crypto::load_key_file(real_disk(), *credential, crypto::KeyFileAccess::credential);
  auto key = crypto::load_key_file(disk, state / name);
  if (key || key.error().code != ErrorCode::not_found) return key;
  return Error{ErrorCode::not_found,
               "there is no " + (state / name).string() +
                   "; run `fedclient join` with the code that the server's operator gave you"};
}

Result<crypto::SecretKey> load_or_create(Disk& disk, const fs::path& state, const char* name) {
  if (cli::credential(name)) return load(disk, state, name);
  return crypto::load_or_create_key_file(disk, state / name);
}

}  // namespace

Result<ClientKeys> load_keys(Disk& disk, const fs::path& state) {
  FED_ASSIGN(channel, load(disk, state, kChannelKey));
  FED_ASSIGN(identity, load(disk, state, kIdentityKey));
  return ClientKeys{crypto::X25519KeyPair(std::move(channel)),
                    crypto::Ed25519KeyPair(std::move(identity))};
}

Result<ClientKeys> load_or_create_keys(Disk& disk, const fs::path& state) {
  FED_TRY(make_folder(disk, state, Durability::power));
  FED_ASSIGN(channel, load_or_create(disk, state, kChannelKey));
  FED_ASSIGN(identity, load_or_create(disk, state, kIdentityKey));
  return ClientKeys{crypto::X25519KeyPair(std::move(channel)),
                    crypto::Ed25519KeyPair(std::move(identity))};
}

session::StorageKey storage_key(const ClientKeys& keys) {
  return session::StorageKey::derive(keys.channel.secret());
}

Result<session::StorageKey> load_storage_key(Disk& disk, const fs::path& state) {
  FED_ASSIGN(key, load(disk, state, kChannelKey));
  return session::StorageKey::derive(key);
}

Result<File> lock_state(Disk& disk, const fs::path& state) {
  FED_TRY(make_folder(disk, state, Durability::power));
  FED_ASSIGN(file, disk.open_to_write(state / "lock"));
  FED_ASSIGN(locked, file.lock());
  if (locked) return file;
  return Error{ErrorCode::already_exists,
               "another fedclient is using " + state.string() +
                   "; stop it first, or give this one a state folder of its own"};
}

Result<channel::ClientHandshake> make_handshake(const config::ClientSpec& spec,
                                                const ClientKeys& keys) {
  const auto bytes = from_base64url(spec.server_key);
  crypto::PublicKey server{};
  if (!bytes || bytes->size() != server.size()) {
    return Error{ErrorCode::invalid,
                 "server_key is not a public key; copy it from the join code's "
                 "server, or join again"};
  }
  std::copy(bytes->begin(), bytes->end(), server.begin());
  // A file that names a cipher which this processor lacks still works: every server has the other.
  const bool aes = spec.cipher == config::ClientSpec::Cipher::aesgcm && crypto::aes_available();
  const channel::Suite suite = aes ? channel::Suite::aesgcm : channel::Suite::chachapoly;
  return channel::ClientHandshake::start(suite, keys.channel, server,
                                         crypto::X25519KeyPair::generate(crypto::Memory::plain));
}

}  // namespace fed::app
