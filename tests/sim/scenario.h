// What a seed decides before anything happens: who takes part, what is to be trained, how the
// network is, and how much goes wrong.
//
// Plain values.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "client_node.h"
#include "server_node.h"
#include "sim_disk.h"

namespace fed::sim {

// Mean seconds between two faults of a kind; 0: never.
struct FaultRates {
  double partition = 0, clog = 0, client_crash = 0, server_crash = 0, cut_all = 0;
  double clock_jump = 0, order = 0, disk_error = 0;
  double revocation = 0, drain = 0;
};

// What goes wrong in the middle of secure sums, beside all else.
struct SumFaults {
  double dropouts = 0;        // share of the server's questions at which a client goes away
  int step = 0;               // at this question only, from 1; 0: at any
  double server_crashes = 0;  // share of the clients' answers at which the server dies
  double disk_errors = 0;     // share of the revealed shares at which its disk fails
};

struct Scenario {
  struct Submission {
    Duration at{};  // from the beginning
    std::string name, text;
  };

  std::uint64_t seed = 0;
  // Some have hours, of which the first half hour of every hour is a part, and rates.
  std::vector<ClientNode::Traits> clients;
  // The last ones of the clients join at these times, from the beginning; the others are there. As
  // many as join may be revoked, so that the jobs keep the clients that they were drawn for.
  std::vector<Duration> joins;
  std::set<std::size_t> choosy;  // of those that join: they do not agree to everything
  std::size_t hostile = 0;       // clients that do not keep to the protocol, beside those
  ServerNode::Traits server;
  std::vector<Submission> jobs;
  Network::Climate climate;
  FaultRates rates;
  SumFaults sums;
  Duration chaos{};           // how long things go wrong; then all faults stop
  SimDiskOptions disk;        // of every machine; the seed is its own
  bool disk_crashes = false;  // machines stop in the middle of disk operations
};

// How gentle the world is to be.
enum class Mood { hostile, gentle };

// Whether any site rests at times.
bool has_hours(const Scenario& scenario);

// Makes some of the jobs that were drawn sum up integers, mostly under masks (scenario_sums.cc), by
// a stream of its own: nothing else is drawn otherwise.
void draw_sums(Scenario& scenario, Mood mood);

Scenario draw_scenario(std::uint64_t seed, Mood mood = Mood::hostile);

}  // namespace fed::sim
