// A cohort in memory: clients with known identities, a server, and a run of all phases in which
// messages can be lost or altered. Everything follows from one seed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "secagg/client.h"
#include "secagg/server.h"

namespace fed::secagg {

// Bytes that follow from a seed and a name; copies go on independently.
crypto::RandomSource seeded(std::uint64_t seed, std::string_view name);

enum class Step { advertise, share, mask, sign, unmask };

struct Options {
  std::size_t clients = 6;
  std::uint64_t seed = 1;
  unsigned modulus_bits = 24;
  std::uint64_t length = 9;
  Threat threat{Adversary::semi_malicious, 50, 300};
};

class World {
 public:
  explicit World(const Options& options);

  const Options options;
  Terms terms;
  Demands demands;

  std::size_t size() const { return options.clients; }
  static ClientId id(std::size_t client);
  IdentityLookup identity_of() const;
  const crypto::Ed25519KeyPair& identity(std::size_t client) const { return *identities_[client]; }
  ClientSetup setup(std::size_t client) const;
  Client client(std::size_t index) const { return Client(setup(index)); }
  Server server() const { return Server(terms, {}, identity_of()); }

  // The input of a client: uniform in the whole modulus.
  Words input(std::size_t client) const;
  // The sum of the inputs of these clients, element by element.
  std::vector<std::uint64_t> sum(const std::vector<std::size_t>& of) const;

 private:
  std::vector<std::unique_ptr<crypto::Ed25519KeyPair>> identities_;
};

// All values of a vector as 64-bit numbers.
std::vector<std::uint64_t> values_of(const Words& words);

// All phases of one attempt. Hooks may alter what goes over the wire; `absent` says who has gone
// silent before a step. Clients are numbered in the order of their ids.
struct Play {
  explicit Play(const World& of);

  std::function<bool(Step step, std::size_t client)> absent = [](Step, std::size_t) {
    return false;
  };
  std::function<void(std::size_t client, SignedKeys&)> alter_keys;
  std::function<void(std::size_t client, ShareMessage&)> alter_shares;
  std::function<void(std::size_t client, Bytes&)> alter_input;
  std::function<void(std::size_t client, crypto::Signature&)> alter_signature;
  std::function<void(std::size_t client, Revelation&)> alter_revelation;

  // The sum, or why there is none. A client whose message the server refuses is out.
  Attempt<Words> run();

  // What becomes of a member's masked input at the server.
  Status receive(Member from, ByteView packed);
  // The sum of those that were received, without its masks.
  Attempt<Words> finish(const Parallel& parallel = one_by_one) {
    return server.finish(std::move(masked), parallel);
  }

  // Only the first phases, and whether the server went through with each; then the messages below
  // are there.
  Attempt<void> until(Step last);

  const World& world;
  Server server;
  std::vector<Client> clients;
  std::vector<bool> present;
  std::vector<Status> refused_by_server;  // every refusal, in order
  std::vector<Refusal> refused_by_client;

  Roster roster;
  std::vector<std::size_t> numbers;  // the client of each member
  std::vector<Bytes> inputs;         // masked, of each client
  Words masked;                      // the sum of those that were received
  SurvivorSet set;
  std::vector<SurvivorSignature> signatures;
  // The clients whose inputs are in the sum.
  std::vector<std::size_t> survivors() const;

 private:
  Attempt<void> advertise();
  Attempt<void> share();
  Attempt<void> mask();
  Attempt<void> sign();
  void unmask();

  bool here(Step step, std::size_t client);
  // Notes the error and the absence of the client.
  void refused(std::size_t client, Status status);
  template <class T>
  bool answered(std::size_t client, const Answer<T>& answer);
};

}  // namespace fed::secagg
