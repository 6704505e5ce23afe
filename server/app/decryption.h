// The sums of a job with homomorphic encryption: the ciphertexts of a round's updates multiplied on
// the compute pool, and the product given to the key holder to be decrypted.
//
// A round is closed over updates that are on record, and its sum is the same however often it is
// made: a server that starts again asks the key holder the same again, which answers again
// (client/session/decryptions.h). The key holder is waited for as long as it is away. Control loop
// only, but for the sum.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/closing.h"
#include "app/plan.h"
#include "app/services.h"
#include "coding/encrypted_vector.h"

namespace fed::app {

class Decryption : public std::enable_shared_from_this<Decryption> {
 public:
  struct User {
    std::function<void(ClosingInput)> decrypted;  // with its sum
    // There is none; retryable as in round::CommitFailed.
    std::function<void(std::int64_t round, Error why, bool retryable)> failed;
  };

  Decryption(std::shared_ptr<const Plan> plan, const Services& services, User user)
      : plan_(std::move(plan)), services_(services), user_(std::move(user)) {}

  // Answered by one of the two of User, unless `forget` comes first.
  void begin(ClosingInput input);

  // Whether that was a message for this class.
  bool received(std::int64_t client, const wire::Message& message);
  void gone(std::int64_t client);

  // What is under way is over, as failed.
  void forget();

  // What it waits for, as a sentence; nothing when nothing is under way.
  std::optional<std::string> state() const;
  const std::string& holder() const { return plan_->spec.homomorphic_encryption->key_holder; }
  // Connected, and with the job's key.
  bool holder_is_there() const { return holder_.has_value(); }

 private:
  struct Question {
    ClosingInput input;
    coding::EncryptedVector vector;
    Bytes ciphertexts{};
    Bytes plaintexts{};  // of the first ones
  };

  void added(Result<Bytes> sum);
  void ask();
  bool take(std::int64_t client, const wire::DecryptedSum& message);
  void finish();
  void fail(Error why, bool retryable = false);
  bool is_asked(std::int64_t client, std::int64_t round) const;
  std::int64_t round() const { return question_->input.round.round; }

  const std::shared_ptr<const Plan> plan_;
  const Services& services_;
  const User user_;
  std::optional<std::int64_t> holder_;  // that is there
  std::shared_ptr<Question> question_;
};

}  // namespace fed::app
