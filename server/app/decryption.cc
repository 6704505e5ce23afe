#include "app/decryption.h"

#include <algorithm>

#include "app/background.h"
#include "base/log.h"

namespace fed::app {
namespace {

Result<Bytes> add_up_encrypted(const ClosingInput& input, const coding::EncryptedVector& vector,
                               const store::Staging& staging) {
  FED_ASSIGN(files, open_updates(input, staging));
  coding::EncryptedVector::Sum sum = vector.zeros();
  Bytes update(vector.bytes());
  for (const File& file : files) {
    FED_TRY(file.read_at(0, update));
    FED_TRY(vector.add(update, sum));
  }
  return coding::EncryptedVector::bytes_of(sum);
}

}  // namespace

void Decryption::begin(ClosingInput input) {
  const coding::EncryptedVector vector = plan_->encrypted_vector(input.round.kind);
  question_ = std::make_shared<Question>(Question{std::move(input), vector});
  in_background(
      services_.compute, services_.control, weak_from_this(),
      [question = question_, &staging = services_.staging] {
        return add_up_encrypted(question->input, question->vector, staging);
      },
      [of = question_](Decryption& self, Result<Bytes> sum) {
        if (self.question_ == of) self.added(std::move(sum));  // else forgotten meanwhile
      });
}

void Decryption::added(Result<Bytes> sum) {
  if (!sum) return fail(sum.error(), sum.error().code == ErrorCode::disk_full);
  question_->ciphertexts = std::move(*sum);
  log::info("job {} round {}: the sum of {} updates is to be decrypted by {}{}", plan_->spec.name,
            round(), question_->input.round.contributions.size(), holder(),
            holder_ ? "" : ", which is not there");
  ask();
}

// The next stretch, or again the one whose answer was lost.
void Decryption::ask() {
  if (!holder_ || !question_ || question_->ciphertexts.empty()) return;
  const auto session = services_.session_of(*holder_);
  if (!session) return;
  const std::size_t first = question_->plaintexts.size() / wire::kPlaintextBytes;
  const std::size_t at = first * wire::kCiphertextBytes;
  const std::size_t bytes =
      std::min(wire::kCiphertextsMax * wire::kCiphertextBytes, question_->ciphertexts.size() - at);
  session->send(
      wire::DecryptSum{plan_->spec.name, round(),
                       static_cast<std::uint32_t>(question_->input.round.contributions.size()),
                       static_cast<std::uint32_t>(first),
                       copy(ByteView(question_->ciphertexts).subspan(at, bytes))});
}

bool Decryption::is_asked(std::int64_t client, std::int64_t round) const {
  return holder_ == client && question_ && !question_->ciphertexts.empty() &&
         this->round() == round;
}

bool Decryption::received(std::int64_t client, const wire::Message& message) {
  if (std::holds_alternative<wire::KeyHeld>(message)) {
    if (services_.name_of(client) == holder()) {
      holder_ = client;
      ask();
    } else {
      log::warning("job {}: {} says that it holds the key, which the job says of {}",
                   plan_->spec.name, services_.name_of(client), holder());
    }
    return true;
  }
  if (const auto* refused = std::get_if<wire::DecryptionRefused>(&message)) {
    if (is_asked(client, refused->round)) {
      fail({ErrorCode::unsupported,
            "the key holder " + holder() + " does not decrypt the sum: " + refused->detail});
    }
    return true;
  }
  const auto* sum = std::get_if<wire::DecryptedSum>(&message);
  return sum != nullptr && take(client, *sum);
}

// An answer that was asked for twice counts once.
bool Decryption::take(std::int64_t client, const wire::DecryptedSum& message) {
  if (!is_asked(client, message.round)) return true;
  Bytes& known = question_->plaintexts;
  const std::size_t all = question_->vector.ciphertexts() * wire::kPlaintextBytes;
  if (message.first != known.size() / wire::kPlaintextBytes) return true;
  append(
      known,
      ByteView(message.plaintexts).first(std::min(message.plaintexts.size(), all - known.size())));
  if (known.size() == all) {
    finish();
  } else {
    ask();
  }
  return true;
}

void Decryption::finish() {
  const auto clients = static_cast<std::uint32_t>(question_->input.round.contributions.size());
  auto sum = question_->vector.decode(question_->plaintexts, clients);
  if (!sum) {
    return fail({sum.error().code, "what the key holder " + holder() +
                                       " has sent is not the sum: " + sum.error().detail});
  }
  ClosingInput input = std::move(question_->input);
  question_.reset();
  input.sum = std::make_shared<const secagg::Words>(std::move(*sum));
  user_.decrypted(std::move(input));
}

void Decryption::fail(Error why, bool retryable) {
  log::error("job {} round {}: cannot close: {}", plan_->spec.name, round(), why.detail);
  const std::int64_t of = round();
  question_.reset();
  user_.failed(of, std::move(why), retryable);
}

void Decryption::gone(std::int64_t client) {
  if (holder_ == client) holder_.reset();
}

void Decryption::forget() {
  if (question_) fail({ErrorCode::closed, "the job has ended"});
}

std::optional<std::string> Decryption::state() const {
  if (!question_) return std::nullopt;
  if (question_->ciphertexts.empty()) {
    return "Round " + std::to_string(round()) + " adds up encrypted updates.";
  }
  return "Round " + std::to_string(round()) + " waits for the key holder " + holder() +
         (holder_ ? ", which decrypts the sum."
                  : ", which is not connected or does not hold the job's key, to decrypt the "
                    "sum.");
}

}  // namespace fed::app
