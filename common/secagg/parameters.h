// How many neighbours a client has and how many of them can rebuild its secrets, from how many
// clients there are and whom to fear.
//
// Every client shares its secrets with k neighbours in a random k-regular graph, of whom any t can
// rebuild them (Bell, Bonawitz, Gascon, Lepoint, Raykova 2020, "Secure Single-Server Aggregation
// with (Poly)Logarithmic Overhead", CCS, called SecAgg+). Of n clients, at most gamma n are
// corrupted (they tell the server all they know) and at most delta n drop out, independently of the
// graph. The graph is good, but for a probability of 2^-sigma, if
//   - the honest clients that stay are connected with each other: otherwise each component's sum
//     would be seen by itself. A Harary graph falls apart only where k/2 clients in a row are gone
//     in two places; the union bound over n (n - k - 1) / 2 pairs of places is
//     (B)_k / (n)_k with B = floor(gamma n) + floor(delta n) and falling factorials;
//   - no client has t corrupted neighbours (hypergeometric tail, 1/n of the probability each);
//     with an actively lying server 2 t > k + a as well, where a is the number of corrupted
//     neighbours that no client exceeds: corrupted neighbours may sign two different survivor
//     sets, and then two sets of t signers share an honest one, who signs only once.
// The two events have half of 2^-sigma each. The round succeeds, but for a probability of 2^-eta,
// if every client keeps t neighbours. k is the smallest even number for which a t exists, and t the
// smallest for that k, so that as many drop-outs as possible are survived.
//
// Up to kFullGraphClientsMax clients everybody is everybody's neighbour (Bonawitz and others 2017,
// "Practical Secure Aggregation for Privacy-Preserving Machine Learning", CCS): nothing is left to
// chance, and the rules above hold with a = floor(gamma n) and k = n - 1. Pure functions.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace fed::secagg {

// The values are part of what is hashed (terms.h).
enum class Adversary : std::uint8_t {
  curious = 1,        // the server follows the protocol and wants to know more
  semi_malicious = 2  // it lies after the keys are collected
};

struct Threat {
  Adversary adversary = Adversary::semi_malicious;
  std::uint32_t corrupted_permille = 50;  // gamma, of the clients; 0 to 999
  std::uint32_t dropped_permille = 50;    // delta, of the clients; 0 to 999

  bool operator==(const Threat&) const = default;
};

inline constexpr double kSecurityBits = 40;     // sigma
inline constexpr double kCorrectnessBits = 20;  // eta
inline constexpr std::uint32_t kFullGraphClientsMax = 128;
inline constexpr std::uint32_t kClientsMin = 3;  // with two, each one learns the other's input
inline constexpr std::uint32_t kClientsMax = 100'000;

struct Parameters {
  std::uint32_t neighbours = 0;  // k
  std::uint32_t threshold = 0;   // t

  bool operator==(const Parameters&) const = default;
};

// For `clients` (n): of the full graph up to kFullGraphClientsMax, of a sparse one beyond.
// ErrorCode::invalid, with what to change, if there are none or an argument is out of range.
Result<Parameters> parameters_for(std::uint32_t clients, const Threat& threat);

// Of each kind of graph by itself.
Result<Parameters> full_graph_parameters(std::uint32_t clients, const Threat& threat);
Result<Parameters> sparse_graph_parameters(std::uint32_t clients, const Threat& threat);

// What a client asks before it trusts parameters that somebody else chose: that they keep its
// input secret against `threat` (the two security conditions above, and a full graph for few
// clients; success is the server's concern). ErrorCode::invalid with the reason.
Status check_security(std::uint32_t clients, const Parameters& parameters, const Threat& threat);

}  // namespace fed::secagg
