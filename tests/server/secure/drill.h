// One attempt with real clients (secagg::Client), through the messages of the wire, in memory:
// everything that is said is encoded and decoded on its way, and time passes only when nobody has
// anything to say. Hooks make clients fall silent, lie or be away; the server may crash behind any
// entry of its record.
//
// The drill keeps its own books: what each client has heard, and who was ever said to have
// survived. A server that tells a client two different things in one step fails the test on the
// spot.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../../common/secagg/world.h"
#include "secure/attempt.h"

namespace fed::secure {

inline constexpr Duration kStepMax = std::chrono::seconds(30);
inline constexpr Duration kInputsMax = std::chrono::seconds(600);

// Client i of the world is number 1000 - i in the registry: the two orders differ.
inline std::int64_t number_of(std::size_t client) {
  return 1000 - static_cast<std::int64_t>(client);
}
inline std::size_t client_of(std::int64_t number) {
  return static_cast<std::size_t>(1000 - number);
}

Setup setup_of(const secagg::World& world, std::uint32_t survivors_min = secagg::kClientsMin);

class Drill {
 public:
  explicit Drill(const secagg::Options& options, std::uint32_t survivors_min = secagg::kClientsMin);

  // Whether a client says nothing in a step, though it has heard the question.
  std::function<bool(Step step, std::size_t client)> silent = [](Step, std::size_t) {
    return false;
  };
  // What it says instead of its answer.
  std::function<wire::Message(std::size_t client, wire::Message answer)> alter =
      [](std::size_t, wire::Message answer) { return answer; };
  // The server dies when its record has as many entries, before anybody hears what follows.
  std::optional<std::size_t> crash_at;
  // Which of the messages under way is the next one; the first unless set.
  std::function<std::size_t(std::size_t waiting)> pick;

  // begin(), then until nobody has anything to say, then the next deadline, and so on to the end.
  void run();
  // Until the step begins, or the end. begin() is the caller's.
  void run_to(Step step);
  void run_for(std::size_t moves);
  void begin() { carry_out(attempt.begin(now)); }
  void carry_out(const Actions& actions);
  // A client says something; what the server does then is carried out.
  void say(std::size_t client, const wire::Message& message);
  void tick_at_wakeup();
  void go_away(std::size_t client) { away.insert(client); }
  void come_back(std::size_t client);
  // Another process with the same record; nobody is connected any more, then everybody is.
  void restart();

  bool over() const { return complete || failed; }
  // Of the inputs of those that are in it, from finish(); aborts the test on an error.
  std::vector<std::uint64_t> sum() const;
  std::vector<std::uint64_t> expected() const { return world.sum(survivors()); }
  boost::system::result<secagg::Words, Failed> finish() const;
  std::vector<std::size_t> survivors() const;
  std::set<std::size_t> lost(bool silent_ones) const;

  // The client's answer to a message, the same whenever it is the same message; none where it has
  // none (or has refused).
  std::optional<wire::Message> answer(std::size_t client, const wire::Message& message);
  // What a client was told last, as it came over the wire.
  const Bytes& last_heard(std::size_t client) const { return heard_.at(client).rbegin()->second; }
  // Whether it was told exactly this at some time.
  bool heard_once(std::size_t client, const Bytes& message) const;
  wire::SecureName name_for(std::size_t client) const;

  secagg::World world;
  const std::uint32_t survivors_min;
  Instant now = Instant{} + std::chrono::seconds(5);
  Attempt attempt;
  std::vector<Note> notes;
  std::set<std::size_t> away;
  bool complete = false;
  std::optional<Failed> failed;
  std::size_t tells = 0, restarts = 0;

 private:
  void hear(std::size_t client, const wire::Message& message);
  void check_heard(std::size_t client, const wire::Message& message, const Bytes& bytes);
  void move();
  void respond();
  std::optional<wire::Message> work(std::size_t client, const wire::Message& message);

  std::vector<secagg::Client> clients_;
  std::map<std::size_t, std::map<std::size_t, Bytes>> heard_;  // by kind of message
  std::map<std::size_t, std::map<Bytes, std::optional<wire::Message>>> answers_;
  std::map<std::size_t, Bytes> inputs_;
  std::set<std::size_t> rows_;  // masked inputs that are on record
  std::optional<secagg::SurvivorSet> survivors_told_;
  std::deque<std::pair<std::size_t, Bytes>> under_way_;  // to clients
};

}  // namespace fed::secure
