// The client's part in secure sums: the server's messages answered, and the masked inputs made.
//
// Of each job there is one attempt at a time, a SecureParty; a new attempt takes the place of the
// one before. The update itself stays in the outbox until there is a receipt for it, so an attempt
// that comes to nothing, or a restart in the middle of one, costs no training. Masked inputs are in
// memory. Lives on `loop`; masks are made on `work`, one at a time. Not thread-safe; everything
// that was posted must be gone before it is.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/loop.h"
#include "coding/job_noise.h"
#include "config/site.h"
#include "session/outbox.h"
#include "session/secure_party.h"

namespace fed::app {

// What a client knows itself of a job with secure aggregation, and of the sums of one kind in it.
struct SecureShape {
  wire::TaskKind kind = wire::TaskKind::training;
  crypto::Hash settings{};  // of the job's text
  secagg::Threat threat;
  std::uint8_t modulus_bits = 0;
  std::uint64_t length = 0;
  std::int64_t staleness_max = 0;   // of an asynchronous job: by so much may a sum be later
  std::uint32_t survivors_min = 0;  // of a sum, that the job asks for
  std::uint32_t clients_max = 0;    // and at the most
  // What is added to every masked input anew, and paid for before; null: nothing.
  std::shared_ptr<const coding::JobNoise> noise{};
  std::function<Status(std::int64_t task)> pay{};
};

// What this client asks of every sum that its update is to be part of: the site's own least, or
// the job's if that is more, which the noise of its clients is sized for.
secagg::Demands demands_of(const SecureShape& shape, const config::SecureAgreementSpec& site,
                           const wire::Offer& update, std::uint64_t round);

class SecureWork {
 public:
  struct Setup {
    Disk& disk;  // of the state
    fs::path state_dir;
    config::SecureAgreementSpec agreement;
    const crypto::Ed25519KeyPair& identity;
    crypto::RandomSource random;
    Loop& loop;
    Executor& work;
    const session::Outbox& outbox;
    std::function<void(wire::Message)> send;
    // The masked input of an update is there, to be offered; or is of no use any more.
    std::function<void(const wire::Offer&)> masked;
    std::function<void(const std::string& job, std::int64_t task)> unmasked;
    // The update itself is no longer what it was: no sum will have it.
    std::function<void(const wire::Offer& update, const Error& why)> lost;
    // A part in a sum that is not taken: reason and detail as this site's people are told them.
    std::function<void(const wire::SecureRefused&)> refused{};
  };

  // All that is referred to outlives it.
  explicit SecureWork(Setup setup);

  // What is needed to take part in an attempt; refused, with a reason for the server's operator, if
  // something is missing.
  struct Ready {
    std::optional<SecureShape> shape{};   // none: the job is not being done here
    const wire::Offer* update = nullptr;  // null: no such update is here
    bool open = true;                     // the site's hours
    std::string name;                     // of this client at the server
  };
  void on(const wire::SecureTerms& message, const Ready& ready);
  void on(const wire::SecureRoster& message);
  void on(const wire::SecureDelivery& message);
  void on(const wire::SecureSurvivors& message);
  void on(const wire::SecureSignatures& message);
  void on(const wire::SecureAbandoned& message);

  // Whether it is, to the last bit, an update of the task that was revealed for a sum: it would be
  // in no other one.
  bool is_revealed(const wire::Offer& update);

  // The server has answered for the update, or the job has ended: the secrets go.
  void forget(const std::string& job, std::int64_t task);
  void forget(const std::string& job);

  // The masked input of the present attempt; null if there is none.
  std::shared_ptr<const File> input(const std::string& job, std::int64_t task) const;

 private:
  struct Part {
    std::uint64_t number = 0;  // of this process
    std::shared_ptr<session::SecureParty> party;
    wire::Offer update;  // as it lies in the outbox
    SecureShape shape;
    bool masking = false;
    std::optional<wire::Offer> offer;  // of the masked input
    std::shared_ptr<const File> input;
  };

  Status open_memory();
  void begin(const wire::SecureTerms& message, const Ready& ready);
  void end_part(const wire::SecureName& next);
  Part* part_of(const wire::SecureName& name);
  Part* known_part(const wire::SecureName& name);
  template <class Message, class Answer>
  void tell(const Message& asked, const Answer& answer, Part& part);
  void refuse(const wire::SecureName& name, const std::string& reason, const std::string& detail,
              const std::string& detail_here = "");
  void lose_revealed(const wire::Offer& update);
  void mask(Part& part, const wire::SecureDelivery& message);
  using Masked = Result<session::Answer<Bytes>>;
  Masked make_input(session::SecureParty& party, const wire::Offer& update,
                    const SecureShape& shape, const wire::SecureDelivery& message,
                    crypto::KeyView noise_key) const;
  void masked(const std::string& job, std::uint64_t number, Masked input);

  const Setup setup_;
  std::optional<session::Peers> peers_;
  std::optional<session::Answered> answered_;
  std::map<std::string, Part> parts_;  // by job
  std::uint64_t parts_made_ = 0;
};

}  // namespace fed::app
