// A few sites, each with a state folder of its own, and a server that sums with them in the
// messages of the wire. Everything follows from the sites' names.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "secagg/server.h"
#include "session/secure_party.h"
#include "state_disk.h"

namespace fed::test {

inline constexpr std::int64_t kNow = 1795306500;  // 2026-11-22 00:15:00 UTC

// Another sequence for each name.
crypto::RandomSource random_of(const std::string& name);
crypto::Ed25519KeyPair identity_of(const std::string& name);

struct CohortSite : StateDisk {
  explicit CohortSite(std::string name, session::Trust trust = session::Trust::first_use);

  // The process ends and another one begins; parties of before are not to be used any more.
  void restart();
  session::SecureParty party(const wire::SecureName& name, const secagg::Demands& demands);

  std::string id;
  session::Trust trust;
  crypto::Ed25519KeyPair identity;
  crypto::RandomSource random;
  std::unique_ptr<session::Peers> peers;
  std::unique_ptr<session::Answered> answered;
};

// One attempt. The names of the sites are in their order, so client i is member i.
struct Cohort {
  explicit Cohort(std::size_t clients = 5, std::uint32_t clients_min = 3);

  // Each step asks all who are there, every message twice, and checks that the answers are bitwise
  // the same.
  void advertise();
  void share();
  void mask(const std::set<std::size_t>& absent = {});
  void sign();
  void unmask();
  std::vector<std::uint64_t> finish();

  wire::SecureDelivery delivery(std::size_t client) const;
  std::vector<std::uint32_t> input(std::size_t client) const;
  // As a server that takes the place of `client` says it: its keys, signed by another identity.
  void impersonate(std::size_t client, const crypto::Ed25519KeyPair& identity);

  secagg::Terms terms;
  secagg::Demands demands;
  wire::SecureName name;
  std::vector<std::unique_ptr<CohortSite>> sites;
  std::vector<session::SecureParty> parties;
  std::unique_ptr<secagg::Server> server;
  secagg::Words masked;  // the sum of the inputs that have come

  wire::SecureRoster roster;
  wire::SecureSurvivors survivors;
  wire::SecureSignatures signatures;
};

}  // namespace fed::test
