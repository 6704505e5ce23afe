#include "app/key_holder.h"

#include "base/log.h"
#include "cli/service.h"
#include "coding/encrypted_vector.h"
#include "config/job.h"
#include "crypto/key_file.h"
#include "data/encode.h"
#include "model/model.h"

namespace fed::app {
namespace {

static_assert(wire::kCiphertextBytes == paillier::Ciphertext::kBytes);
static_assert(wire::kPlaintextBytes == paillier::kModulusBytes);

std::string place(const wire::DecryptSum& question) {
  return "job " + question.job + " round " + std::to_string(question.round);
}

// On the work's thread.
Result<Bytes> decrypt(const paillier::SecretKey& key, ByteView ciphertexts) {
  Bytes plaintexts;
  for (std::size_t at = 0; at < ciphertexts.size(); at += wire::kCiphertextBytes) {
    FED_ASSIGN(ciphertext, paillier::Ciphertext::from_bytes(
                               key.public_key(), ciphertexts.subspan(at, wire::kCiphertextBytes)));
    FED_ASSIGN(plaintext, key.decrypt(ciphertext));
    append(plaintexts, plaintext.bytes());
  }
  return plaintexts;
}

// The names of this machine's files stay here.
std::string for_the_server(const Error& why) {
  switch (why.code) {
    case ErrorCode::io:
    case ErrorCode::disk_full:
    case ErrorCode::not_found:
    case ErrorCode::malformed:
    case ErrorCode::too_large:
      return "the key holder's own log says why";
    default:
      return why.detail;
  }
}

}  // namespace

Result<paillier::SecretKey> load_or_create_decryption_key(Disk& disk, const fs::path& file) {
  FED_ASSIGN(seed, crypto::load_or_create_key_file(disk, file));
  return paillier::SecretKey::from_seed(seed.view());
}

Result<paillier::SecretKey> load_decryption_key(Disk& disk, const fs::path& file) {
  const auto credential = cli::credential(file.filename().string());
  auto seed = credential ? crypto::load_key_file(real_disk(), *credential,
                                                 crypto::KeyFileAccess::credential)
                         : crypto::load_key_file(disk, file);
  if (seed) return paillier::SecretKey::from_seed(seed->view());
  if (seed.error().code != ErrorCode::not_found) return seed.error();
  return Error{ErrorCode::not_found, "there is no " + file.string() +
                                         "; `fedclient key FILE` makes a key (jobs."
                                         "homomorphic_encryption.secret_key in client.json)"};
}

Result<std::shared_ptr<const paillier::SecretKey>> load_held_key(
    Disk& disk, const config::HomomorphicAgreementSpec& site) {
  if (site.secret_key.empty()) return std::shared_ptr<const paillier::SecretKey>();
  FED_ASSIGN(key, load_decryption_key(disk, site.secret_key));
  return std::make_shared<const paillier::SecretKey>(std::move(key));
}

KeyHolder::KeyHolder(Setup setup) : setup_(std::move(setup)) {
  if (setup_.key) public_key_ = coding::to_text(setup_.key->public_key());
}

std::optional<KeyHolder::Sizes> KeyHolder::sizes_of(const wire::JobOffer& offer) const {
  const auto job = config::parse_job(offer.spec);
  if (!job || !job->homomorphic_encryption) return std::nullopt;
  if (job->homomorphic_encryption->public_key != public_key_) {
    log::warning(
        "job {}: its key is not the public one of this client's secret key "
        "(jobs.homomorphic_encryption.secret_key)",
        offer.job);
    return std::nullopt;
  }
  config::ModelSpec spec = job->model;
  if (spec.inputs == 0 && job->inputs) spec.inputs = config::encoded_width(*job->inputs);
  const auto model = model::make_model(spec);
  if (!model) return std::nullopt;
  const auto codec = coding::codec_of(*job, (*model)->layout().size(), 0);
  if (!codec) return std::nullopt;
  const std::size_t columns = job->inputs ? data::number_columns(*job->inputs) : 0;
  const auto training = coding::encrypted_vector_of(*job, coding::shape_of(*codec));
  const auto statistics = coding::encrypted_vector_of(
      *job, coding::shape_of(coding::statistics_codec_of(*job, 3 * columns)));
  if (!training || !statistics) return std::nullopt;
  return Sizes{training->ciphertexts(), statistics->ciphertexts(), job->rounds.max};
}

bool KeyHolder::offered(const wire::JobOffer& offer) {
  if (!setup_.key) return false;
  const auto sizes = sizes_of(offer);
  if (!sizes) return false;
  jobs_[offer.job] = *sizes;
  log::info("job {}: this client holds its secret key", offer.job);
  setup_.send(wire::KeyHeld{offer.job});
  return true;
}

Status KeyHolder::allow(const wire::DecryptSum& question) {
  const auto job = jobs_.find(question.job);
  if (job == jobs_.end()) {
    return Error{ErrorCode::unsupported, "this client holds no key of that job"};
  }
  if (question.round > job->second.rounds) {
    return Error{ErrorCode::unsupported, "the job has no round " + std::to_string(question.round)};
  }
  if (question.clients < setup_.clients_min) {
    return Error{ErrorCode::unsupported,
                 "the sum is of " + std::to_string(question.clients) +
                     " clients; this client decrypts sums of at least " +
                     std::to_string(setup_.clients_min) +
                     " (jobs.homomorphic_encryption.clients_min in its client.json)"};
  }
  const std::size_t all = question.round == 0 ? job->second.statistics : job->second.training;
  const std::size_t count = question.ciphertexts.size() / wire::kCiphertextBytes;
  const bool in_place = question.first % wire::kCiphertextsMax == 0 && question.first < all;
  if (!in_place || count > all - question.first) {
    return Error{ErrorCode::unsupported, "the job's sums have no such ciphertexts"};
  }
  if (!decryptions_) {
    FED_ASSIGN(opened,
               session::Decryptions::open(setup_.disk, setup_.state_dir / session::kDecryptions));
    decryptions_ = std::move(opened);
  }
  return decryptions_->enter(question.job, question.round, question.first,
                             crypto::sha256(question.ciphertexts));
}

// Once a sum, which comes in many stretches.
void KeyHolder::say(const wire::DecryptSum& question) {
  const auto [said, is_first] = said_.try_emplace(question.job, question.round);
  if (!is_first && std::exchange(said->second, question.round) == question.round) return;
  log::info("{}: decrypting the sum of {} clients' updates", place(question), question.clients);
}

void KeyHolder::refuse(const wire::DecryptSum& question, const Error& why) {
  log::warning("{}: the sum is not decrypted: {}", place(question), why.detail);
  if (setup_.refused) setup_.refused(question, why);
  setup_.send(wire::DecryptionRefused{question.job, question.round, for_the_server(why)});
}

void KeyHolder::on(const wire::DecryptSum& question) {
  const Status allowed = allow(question);
  if (!allowed) return refuse(question, allowed.error());
  say(question);
  setup_.work.post([this, key = setup_.key, question] {
    auto plaintexts = decrypt(*key, question.ciphertexts);
    setup_.loop.post([this, question, plaintexts = std::move(plaintexts)]() mutable {
      if (!plaintexts) return refuse(question, plaintexts.error());
      setup_.send(
          wire::DecryptedSum{question.job, question.round, question.first, std::move(*plaintexts)});
    });
  });
}

}  // namespace fed::app
