#include "app/client_keys.h"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>

#include "cli/service.h"
#include "crypto/key_file.h"

namespace fed::app {
namespace {

constexpr const char* kChannelKey = "client.key";
constexpr const char* kIdentityKey = "identity.key";

Result<crypto::SecretKey> load(const fs::path& state, const char* name) {
  const auto credential = cli::credential(name);
  if (credential) return crypto::load_key_file(*credential, crypto::KeyFileAccess::credential);
  auto key = crypto::load_key_file(state / name);
  if (key || key.error().code != ErrorCode::not_found) return key;
  return Error{ErrorCode::not_found,
               "there is no " + (state / name).string() +
                   "; run `fedclient join` with the code that the server's operator gave you"};
}

Result<crypto::SecretKey> load_or_create(const fs::path& state, const char* name) {
  if (cli::credential(name)) return load(state, name);
  return crypto::load_or_create_key_file(state / name);
}

}  // namespace

Result<ClientKeys> load_keys(const fs::path& state) {
  FED_ASSIGN(channel, load(state, kChannelKey));
  FED_ASSIGN(identity, load(state, kIdentityKey));
  return ClientKeys{crypto::X25519KeyPair(std::move(channel)),
                    crypto::Ed25519KeyPair(std::move(identity))};
}

Result<ClientKeys> load_or_create_keys(const fs::path& state) {
  FED_TRY(make_folder(state));
  FED_ASSIGN(channel, load_or_create(state, kChannelKey));
  FED_ASSIGN(identity, load_or_create(state, kIdentityKey));
  return ClientKeys{crypto::X25519KeyPair(std::move(channel)),
                    crypto::Ed25519KeyPair(std::move(identity))};
}

Result<File> lock_state(const fs::path& state) {
  FED_TRY(make_folder(state));
  FED_ASSIGN(file, File::open_to_write(state / "lock"));
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) return file;
  const int error_number = errno;
  if (error_number != EWOULDBLOCK) {
    return from_errno("cannot lock " + file.path().string(), error_number);
  }
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
