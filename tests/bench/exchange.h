// Rounds between one server and a crowd, with the server's CPU at each step of them.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "bench.h"
#include "crowd.h"

namespace fed::bench {

// Seconds since some start, and the CPU seconds that the server had used.
struct Moment {
  double wall = 0, cpu = 0;
  Moment operator-(const Moment& other) const { return {wall - other.wall, cpu - other.cpu}; }
};

struct RoundTimes {
  Moment first_asked, all_asked;  // the task has come to a client, to all
  Moment all_obtained;            // all clients have the model
  Moment all_answered;            // all have their receipt
  Moment over;                    // the next round's first task has come, or the job has ended
};

// Listens to a crowd and writes down when what happened. Thread-safe.
class RoundWatch {
 public:
  // `server` outlives it. `clients` take part in each round.
  RoundWatch(const ServerProcess& server, std::size_t clients);

  const Observer& observer() const { return observer_; }
  // Called on a crowd's thread when all have the model of a round.
  std::function<void()> on_all_obtained;

  Moment moment() const;
  // False if it has not come to that within `seconds`.
  bool await_welcomes(std::size_t count, double seconds);
  bool await_answers(std::size_t count, double seconds);  // in all, of all rounds
  bool await_asked(std::int64_t round, double seconds);   // everybody
  bool await_end(double seconds);
  std::map<std::int64_t, RoundTimes> rounds() const;
  std::vector<double> client_rounds() const;  // seconds between the tasks of the first client
  Moment end() const;
  std::size_t answers() const;  // receipts so far
  // What went wrong, if an update was not accepted.
  std::optional<std::string> problem() const;

 private:
  struct Counts {
    std::size_t asked = 0, obtained = 0, answered = 0;
  };
  void asked(std::size_t client, const wire::Task& task);
  void obtained(const wire::Task& task);
  void answered(const wire::Receipt& receipt);
  void ended();
  bool await(double seconds, const std::function<bool()>& done);

  const ServerProcess& server_;
  const std::size_t clients_;
  const Instant began_ = now();
  Observer observer_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::int64_t, RoundTimes> rounds_;
  std::map<std::int64_t, Counts> counts_;
  std::vector<double> first_client_asked_;
  std::size_t welcomed_ = 0, answers_ = 0, ends_ = 0;
  Moment end_;
  std::optional<std::string> problem_;
};

struct ExchangePlan {
  std::string name;
  std::uint64_t coordinates = 0;
  std::size_t clients = 0;
  std::int64_t rounds = 0;
  bool phases = false;  // nobody uploads before all have downloaded
  bool verify = true;   // the clients open and hash what they download
  unsigned threads = 2;
  double seconds_max = 600;
};

struct Exchange {
  Moment used;                     // from the submission to the end of the job
  std::vector<RoundTimes> rounds;  // in order
  std::vector<double> round_seconds;
  double crowd_cpu = 0;              // of this process, meanwhile
  ProcessMemory memory;              // of the server, at the end
  std::uint64_t bytes_each_way = 0;  // of all rounds
};

// The first clients of `server` go through a job.
Result<Exchange> exchange(const ServerProcess& server, const ExchangePlan& plan);

// A job file: a softmax model of exactly `coordinates` parameters (even, or a multiple of 1000
// from a million on), in which all `clients` take part in each round.
std::string job_text(const std::string& name, std::uint64_t coordinates, std::size_t clients,
                     std::int64_t rounds);

}  // namespace fed::bench
