// A key holder's part in homomorphic encryption: it decrypts the sum of each round, for the server
// of the jobs whose public key is that of its secret key.
//
// What it can see to, it does: no sum that is said to be of fewer clients than this site asks for;
// one sum of a round and none of a round before (session/decryptions.h); no more ciphertexts than
// the job's vectors have. What it cannot see is whose updates are in what the server shows: a
// server that lies can show a single one (common/paillier/README.md). Whoever does not want to rely
// on the server for that uses secure_aggregation.
//
// Lives on `loop`; decrypts on `work`. Not thread-safe; everything that was posted must be gone
// before it is.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/loop.h"
#include "config/site.h"
#include "paillier/secret_key.h"
#include "session/decryptions.h"
#include "wire/messages.h"

namespace fed::app {

// The key pair of a key file of 32 bytes (crypto/key_file.h), which is made if there is none. It
// takes some tenths of a second.
Result<paillier::SecretKey> load_or_create_decryption_key(Disk& disk, const fs::path& file);
// The same, of a file that is there, or of the service manager's credential of the file's name.
Result<paillier::SecretKey> load_decryption_key(Disk& disk, const fs::path& file);

// The same, of the file that a site's own file names; null if it names none.
Result<std::shared_ptr<const paillier::SecretKey>> load_held_key(
    Disk& disk, const config::HomomorphicAgreementSpec& site);

class KeyHolder {
 public:
  struct Setup {
    std::shared_ptr<const paillier::SecretKey> key;  // null: this client holds none
    Disk& disk;                                      // of the state
    fs::path state_dir;
    std::int64_t clients_min = 0;
    Loop& loop;
    Executor& work;
    std::function<void(wire::Message)> send;
    // A sum that is not decrypted, and why: for this site's people.
    std::function<void(const wire::DecryptSum&, const Error&)> refused{};
  };

  explicit KeyHolder(Setup setup);

  // As in job files; empty: this client holds none.
  const std::string& public_key() const { return public_key_; }

  // Tells the server if the job's key is this client's, and returns whether it is.
  bool offered(const wire::JobOffer& offer);
  void on(const wire::DecryptSum& question);

 private:
  // Ciphertexts of a job's vectors.
  struct Sizes {
    std::size_t training = 0, statistics = 0;
    std::int64_t rounds = 0;
  };
  std::optional<Sizes> sizes_of(const wire::JobOffer& offer) const;
  Status allow(const wire::DecryptSum& question);
  void say(const wire::DecryptSum& question);
  void refuse(const wire::DecryptSum& question, const Error& why);

  const Setup setup_;
  std::string public_key_;
  std::map<std::string, Sizes> jobs_;
  std::map<std::string, std::int64_t> said_;  // the round of each whose sum is in the log
  std::optional<session::Decryptions> decryptions_;
};

}  // namespace fed::app
