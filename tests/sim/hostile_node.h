// A client that has joined in good order and then does not keep to the protocol: it offers what it
// was not asked for, twice, under other numbers, sends chunks beyond the end and records that are
// none, lies, floods, and leaves in the middle. Now and then it does what it was asked, so that it
// stays in the rounds.
//
// It goes through the real handshake and knows its keys; everything after that is by hand
// (raw_link.h). What it offers is in the ledger like everybody's. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "client_node.h"
#include "greeting.h"
#include "raw_link.h"

namespace fed::sim {

class HostileNode {
 public:
  // `index`: its place in the network and in the ledger.
  HostileNode(const Surroundings& around, std::string name, std::size_t index, std::uint64_t seed);
  ~HostileNode();

  const crypto::PublicKey& key() const { return keys_.channel.public_key(); }
  const crypto::VerifyKey& identity() const { return keys_.identity.verify_key(); }

  void start(const crypto::PublicKey& server);
  // Gone for good.
  void leave();

 private:
  // How the chunks of an admitted update are sent.
  enum class Manner { whole, beyond_the_end, shifted, half, other_upload };
  struct Update {
    wire::Offer offer;
    Bytes bytes;
    std::vector<ColumnSums> columns;  // of statistics: what they stand for
  };
  struct Upload {
    Bytes bytes;
    Manner manner = Manner::whole;
  };
  struct Trick {
    const char* name;
    void (HostileNode::*play)(const wire::Task&);
  };
  static constexpr std::size_t kTrickCount = 25;
  static const Trick kTricks[kTrickCount];

  // Its life.
  void later(double least_s, double most_s, Work work);
  void connect();
  void greet(std::shared_ptr<Cable> cable);
  void greeted(const std::shared_ptr<Cable>& cable, Greeted greeted);
  void stammer(std::shared_ptr<Cable> cable);
  void lost(std::uint64_t which);
  void stay_alive();
  void hear(const wire::Message& message);
  void on(const wire::JobOffer& message);
  void on(const wire::Task& message);
  void on(const wire::Admit& message);
  template <class Other>
  void on(const Other&) {}
  void act(const wire::Task& task);

  // What its tricks are made of.
  void send(const wire::Message& message);
  Update update_for(const wire::Task& task);
  void offer(const Update& update, Manner manner = Manner::whole);
  bool lucky(double share) { return random_.uniform() < share; }
  Bytes noise(std::size_t bytes_most);

  // hostile_tricks.cc
  void as_asked(const wire::Task& task);
  void the_same_twice(const wire::Task& task);
  void two_for_one_task(const wire::Task& task);
  void one_for_two_tasks(const wire::Task& task);
  void others_tasks(const wire::Task& task);
  void unknown_job(const wire::Task& task);
  void beyond_the_end(const wire::Task& task);
  void shifted_chunks(const wire::Task& task);
  void half_an_update(const wire::Task& task);
  void other_upload(const wire::Task& task);
  void false_checksum(const wire::Task& task);
  void too_many_examples(const wire::Task& task);
  void another_base(const wire::Task& task);
  void bytes_without_a_record(const wire::Task& task);
  void garbage_record(const wire::Task& task);
  void garbage_message(const wire::Task& task);
  void endless_message(const wire::Task& task);
  void the_servers_words(const wire::Task& task);
  void second_hello(const wire::Task& task);
  void flood(const wire::Task& task);
  void nonsense_numbers(const wire::Task& task);
  void refuses_for_others(const wire::Task& task);
  void fetches_anything(const wire::Task& task);
  void second_connection(const wire::Task& task);
  void silence(const wire::Task&) {}

  const Surroundings& around_;
  const std::size_t index_;
  Random random_;
  app::ClientKeys keys_;
  std::int64_t unix_offset_ = 0;
  SimLoop loop_;
  crypto::PublicKey server_{};
  bool gone_ = false;
  std::shared_ptr<Cable> stammering_;
  std::shared_ptr<Greeting<channel::ClientHandshake>> greeting_;
  std::shared_ptr<RawLink> link_, older_link_;
  std::uint64_t links_ = 0;  // made so far; the last one is link_
  std::map<std::pair<std::string, std::int64_t>, Upload> uploads_;  // offered, by job and task
  std::int64_t examples_ = 0;
};

}  // namespace fed::sim
