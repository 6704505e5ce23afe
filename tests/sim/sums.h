// What was said in secure sums, as nobody inside can see all of it: whom the server told what, what
// each client answered, and what of that arrived.
//
// What must never happen is noticed when it does. Plain records; one a seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/bytes.h"
#include "wire/messages.h"

namespace fed::sim {

// One attempt at a sum of a job.
struct SumId {
  std::string job;
  std::int64_t attempt = 0;

  auto operator<=>(const SumId&) const = default;
};

class Sums {
 public:
  // What passes on a client's link.
  void overhear(std::size_t client, const wire::Message& message, bool incoming);
  // It has a new update for the task.
  void trained(std::size_t client, const std::string& job, std::int64_t task) {
    ++trainings_[{client, job, task}];
    const auto before = revealed_.find({client, job, task});
    if (before != revealed_.end()) before->second.trained_since = true;
  }
  // For how many sums it has revealed shares with an update of that task in it.
  std::uint64_t reveals(std::size_t client, const std::string& job, std::int64_t task) const {
    const auto at = revealed_.find({client, job, task});
    return at == revealed_.end() ? 0 : at->second.count;
  }
  // The server's program has heard it from the client of that number.
  void arrived(std::int64_t client, const wire::Message& message);
  // What it had not written down for good is lost with its memory: what clients revealed is told
  // again. If its disk has failed it, that may be all of the last sum of a job.
  void server_died(bool lost_power, bool disk_failed);
  // A client has said something else there than its program meant to.
  void lied(std::size_t client, const wire::SecureName& name, const wire::Message& meant);

  // The first thing that must not have happened; "": nothing.
  const std::string& wrong() const { return wrong_; }

  // Sums that the server could make: it has been told enough to take all masks out. Not those in
  // which somebody lied.
  struct Opened {
    std::int64_t round = 0;
    std::set<std::string> survivors;  // by name
  };
  std::map<SumId, Opened> opened() const;

  // Two sums that a server could make that remembers all it has ever heard, also what came when it
  // had given them up, and that tell more than each alone: some updates are in both, and all but a
  // few of the others are in both as well. A few are as many as rebuild a secret: so many have
  // revealed their shares, and what they revealed is in no other sum. "": there are none.
  std::string told_apart() const;

  // An update of the job was revealed for a sum that came to nothing, and is the same each time it
  // is made: it is in no other, and there may be too few without it, for ever.
  bool is_hopeless(const std::string& job) const { return hopeless_.contains(job); }

  std::size_t begun() const;
  std::size_t of_statistics() const;
  std::size_t abandoned() const;
  std::size_t made() const;
  std::size_t short_of_clients() const;  // that were made without some of those invited

 private:
  // Which one: client, task, and how often it had been trained for that.
  using Update = std::tuple<std::size_t, std::int64_t, std::uint64_t>;
  struct Sum {
    std::map<std::string, Bytes> told;                            // to all alike, by kind
    std::map<std::pair<std::size_t, std::string>, Bytes> said;    // by client and kind
    std::map<std::pair<std::size_t, std::string>, Bytes> shares;  // told to each client
    secagg::Roster roster;
    secagg::SurvivorSet set;
    std::map<secagg::Member, std::set<std::int64_t>> revealed;  // about whom, by whom
    std::map<secagg::Member, std::set<std::int64_t>> heard;     // the same, never forgotten
    std::map<std::string, Update> inputs;                       // by the client's name
    std::size_t clients = 0;                                    // that were invited
    std::int64_t round = 0;
    bool spoiled = false, abandoned = false;
  };

  static SumId id_of(const wire::SecureName& name) { return {name.job, name.attempt}; }
  static bool is_enough(const Sum& sum,
                        const std::map<secagg::Member, std::set<std::int64_t>>& shares);
  static bool is_open(const Sum& sum);
  static std::set<Update> updates_in(const Sum& sum);
  std::size_t count(const std::function<bool(const Sum&)>& is_one) const;
  void told(std::size_t client, const wire::Message& message);
  void said(std::size_t client, const wire::Message& message);
  void note_reveal(std::size_t client, const wire::Message& message);
  void check_offer(std::size_t client, const wire::Offer& offer);
  template <class Key>
  void once(std::map<Key, Bytes>& known, const Key& key, Bytes now, const std::string& complaint);

  std::map<SumId, Sum> sums_;
  struct Revealed {
    std::int64_t attempt = 0;  // the last one
    std::uint64_t count = 0;
    bool trained_since = false;
  };
  using Task = std::tuple<std::size_t, std::string, std::int64_t>;  // client, job, task
  std::map<Task, Revealed> revealed_;
  std::map<Task, std::uint64_t> trainings_;
  std::map<std::size_t, std::string> names_;  // of the clients, as they give their keys for them
  std::set<std::string> hopeless_;
  std::string wrong_;
};

}  // namespace fed::sim
