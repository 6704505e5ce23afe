// The server's side of one attempt at a secure sum, as a pure state machine: messages of the wire
// and the time in, actions out. The mathematics are secagg::Server's; here is who is asked what,
// who is waited for and until when.
//
// Five steps (common/secagg/README.md). In each, everybody who is still in it is told something and
// waited for; the step ends when all have answered, or at its deadline with those who have. Who has
// not answered by then, has said something wrong or has refused is out; whether the attempt can go
// on without it is secagg's decision. A client that was away is told once more what its step is
// about.
//
// Every step can be gone through again: what came and where a step ended are handed out as Notes.
// They are to be on record (a Close durably) before the Tells that follow. After a restart, an
// attempt that is given its notes again stands where the other one stood, so that what clients were
// told stays true, and nobody's shares are asked for twice in different ways.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "secagg/server.h"
#include "wire/messages.h"

namespace fed::secure {

// One client whose update is to be in the sum.
struct Invited {
  std::int64_t client = 0;  // in the registry
  std::int64_t task = 0;
  secagg::ClientId id;  // its name
  crypto::VerifyKey identity{};

  bool operator==(const Invited&) const = default;
};

struct Setup {
  secagg::Terms terms;  // `clients` is the number of those invited
  std::vector<Invited> invited;
  std::uint32_t survivors_min = secagg::kClientsMin;
  Duration step_max{};    // for each step
  Duration inputs_max{};  // for the masked inputs
};

enum class Step : std::uint8_t { keys, shares, inputs, signatures, reveal, complete, failed };
const char* name(Step step);

// --- what to do, in order

// Something that happened, to be put on record.
struct Note {
  enum class Kind : std::uint8_t { message, input, close };
  Kind kind = Kind::message;
  std::int64_t client = 0;  // of a message or an input
  Bytes message{};          // as wire::encode wrote it

  bool operator==(const Note&) const = default;
};
struct Tell {
  std::int64_t client = 0;
  wire::Message message;
};
// All that is needed for the sum is here: see finish().
struct Complete {};
// There is no sum. Nothing that was revealed is enough for one.
struct Failed {
  struct Lost {
    std::int64_t client = 0;
    std::string detail{};
    bool silent = false;  // it has just not answered
  };
  std::string detail;
  std::vector<Lost> lost;  // because of whom, as far as that is known
};
using Action = std::variant<Note, Tell, Complete, Failed>;
using Actions = std::vector<Action>;

// Clients that a restart has cut off are back after so long: they try at least once a minute, if
// their `reconnect_s_max` is not larger than its default.
inline constexpr Duration kReturnMax = std::chrono::seconds(90);

// Not thread-safe, but for `finish`, which changes nothing.
class Attempt {
 public:
  // check(setup.terms) holds; at least secagg::kClientsMin are invited, with different names.
  explicit Attempt(Setup setup);

  Actions begin(Instant now);

  // A message of a client for this attempt. One that is not its turn changes nothing.
  Actions received(std::int64_t client, const wire::Message& message, Instant now);
  // Its masked input is on record.
  Actions input(std::int64_t client, Instant now);
  // It is there (again).
  Actions connected(std::int64_t client) const;
  // It will not answer any more: revoked, or its task is given back. What it has said counts.
  Actions gone(std::int64_t client, const std::string& why, Instant now);
  Actions tick(Instant now);
  std::optional<Instant> next_wakeup() const;

  // The notes of an attempt with the same setup, in order, instead of begin(). Its step then begins
  // anew, with kReturnMax at the least, unless nobody is waited for any more: then a tick is due at
  // once. ErrorCode::malformed for notes that are not of such an attempt.
  Status restore(const std::vector<Note>& notes, Instant now);

  Step step() const { return step_; }
  // Whether the client may hand in a masked input now.
  bool wants_input(std::int64_t client) const;
  // Whose update it is that the client has in this sum; nothing if it is not invited.
  std::optional<std::int64_t> task_of(std::int64_t client) const;
  // Who is waited for.
  const std::set<std::int64_t>& waiting() const { return waiting_; }
  // Of the step: who has not answered by then is left out.
  Instant deadline() const { return deadline_; }
  // Who says nothing more, by client; who was summed up by then is one of `survivors` as well.
  const std::map<std::int64_t, Failed::Lost>& lost() const { return out_; }
  // Whose inputs are in the sum; from the end of the inputs on.
  std::vector<std::int64_t> survivors() const;

  // The sum of the survivors' inputs without their masks; only when complete. `masked` is their
  // sum modulo 2^b. On an error, `lost` may name the dealer that cheated.
  boost::system::result<secagg::Words, Failed> finish(secagg::Words masked,
                                                      const secagg::Parallel& parallel) const;

  const Setup& setup() const { return setup_; }

 private:
  Status take(std::int64_t client, const wire::Message& message);
  Status take_input(std::int64_t client);
  Status repeat(const Note& note, Instant now);
  Status check_turn(std::int64_t client, const wire::SecureName& named, Step step) const;
  Status accept(std::int64_t client, const wire::SecureKeys& message);
  Status accept(std::int64_t client, const wire::SecureShares& message);
  Status accept(std::int64_t client, const wire::SecureSignature& message);
  Status accept(std::int64_t client, const wire::SecureReveal& message);
  template <class Other>
  Status accept(std::int64_t, const Other&) {
    return Error{ErrorCode::invalid, "that is no message of a client in a secure sum"};
  }

  void advance(Instant now, Actions& out);
  bool is_over(Instant now) const;
  Actions close(Instant now);
  std::optional<secagg::Abandoned> close_step();
  void enter(Step step, std::set<std::int64_t> waiting, Instant now);
  void tell_all(Actions& out) const;
  std::optional<wire::Message> question(std::int64_t client) const;
  void fail(const secagg::Abandoned& why, Actions& out);
  void lose(std::int64_t client, std::string detail, bool silent);

  const Invited& invited(std::int64_t client) const { return setup_.invited[places_.at(client)]; }
  wire::SecureName name_for(std::int64_t client) const;
  std::set<std::int64_t> clients_of(const std::vector<secagg::Member>& members) const;
  std::set<std::int64_t> still_in(std::set<std::int64_t> clients) const;

  Setup setup_;
  std::map<std::int64_t, std::size_t> places_;  // in setup_.invited
  secagg::Server server_;
  Step step_ = Step::keys;
  std::set<std::int64_t> waiting_;
  std::set<std::int64_t> answered_;  // in this step
  std::map<std::int64_t, Failed::Lost> out_;
  Instant deadline_{};

  std::vector<std::int64_t> members_;                 // clients, by their place in the roster
  std::map<std::int64_t, secagg::Member> member_of_;  // and back
  secagg::Roster roster_;
  secagg::SurvivorSet set_;
  std::vector<secagg::SurvivorSignature> signatures_;
};

}  // namespace fed::secure
