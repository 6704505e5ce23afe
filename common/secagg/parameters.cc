#include "secagg/parameters.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

namespace fed::secagg {
namespace {

const double kLog2 = std::log(2.0);

// The counts that the rates mean for n clients, rounded to the side that has more to fear.
struct Population {
  std::uint32_t clients, corrupted, dropped;
};

Population population(std::uint32_t clients, const Threat& threat) {
  const auto part = [clients](std::uint32_t permille) {
    return static_cast<std::uint32_t>(std::uint64_t{clients} * permille / 1000);
  };
  return {clients, part(threat.corrupted_permille), part(threat.dropped_permille)};
}

Status check_ranges(std::uint32_t clients, const Threat& threat) {
  if (clients < kClientsMin || clients > kClientsMax) {
    return Error{ErrorCode::invalid,
                 "secure aggregation needs 3 to 100000 clients, not " + std::to_string(clients)};
  }
  if (threat.corrupted_permille > 999 || threat.dropped_permille > 999) {
    return Error{ErrorCode::invalid, "a rate of corrupted or dropped clients is below 1"};
  }
  return {};
}

double log_choose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

// The logarithm of the probability that k draws without replacement from n clients meet exactly
// `hits` of the `marked` ones.
double log_hypergeometric(const Population& of, std::uint32_t marked, std::uint32_t k,
                          std::uint32_t hits) {
  if (hits > marked || hits > k || k - hits > of.clients - marked) {
    return -std::numeric_limits<double>::infinity();
  }
  return log_choose(marked, hits) + log_choose(of.clients - marked, k - hits) -
         log_choose(of.clients, k);
}

// The smallest a such that a given client has more than a corrupted neighbours with probability at
// most 2^-(sigma + 1) / n.
std::uint32_t corrupted_neighbours_max(const Population& of, std::uint32_t k) {
  const double bound = std::exp2(-kSecurityBits - 1) / of.clients;
  double tail = 0;
  std::uint32_t most = std::min(k, of.corrupted);
  while (most > 0) {
    tail += std::exp(log_hypergeometric(of, of.corrupted, k, most));
    if (tail > bound) break;
    --most;
  }
  return most;
}

// The largest number that a given client's remaining neighbours fall short of with probability at
// most 2^-eta / n.
std::uint32_t remaining_neighbours_min(const Population& of, std::uint32_t k) {
  const double bound = std::exp2(-kCorrectnessBits) / of.clients;
  double tail = 0;
  for (std::uint32_t least = 0; least < k; ++least) {
    tail += std::exp(log_hypergeometric(of, of.clients - of.dropped, k, least));
    if (tail > bound) return least;
  }
  return k;
}

// Whether the honest clients that stay hang together, but for 2^-(sigma + 1).
bool stays_connected(const Population& of, std::uint32_t k) {
  const double gone = of.corrupted + of.dropped;
  if (k > gone) return true;
  const double log_places = std::log(of.clients) + std::log(of.clients - k - 1.0) - kLog2;
  const double log_gone = std::lgamma(gone + 1) - std::lgamma(gone - k + 1) -
                          std::lgamma(of.clients + 1.0) + std::lgamma(of.clients - k + 1.0);
  return log_places + log_gone < -(kSecurityBits + 1) * kLog2;
}

bool is_full(std::uint32_t clients, std::uint32_t k) { return k + 1 == clients; }

// The smallest t that is secure with k neighbours.
std::uint32_t secure_threshold(const Population& of, std::uint32_t k, Adversary adversary) {
  const std::uint32_t corrupted =
      is_full(of.clients, k) ? std::min(k, of.corrupted) : corrupted_neighbours_max(of, k);
  const std::uint32_t threshold =
      adversary == Adversary::curious ? corrupted + 1 : (k + corrupted) / 2 + 1;
  return std::max(threshold, 2u);
}

Error infeasible(std::uint32_t clients) {
  return Error{
      ErrorCode::invalid,
      "no threshold is both safe and reachable with " + std::to_string(clients) +
          " clients: fear fewer corrupted ones or fewer drop-outs, or invite more clients"};
}

}  // namespace

Result<Parameters> full_graph_parameters(std::uint32_t clients, const Threat& threat) {
  FED_TRY(check_ranges(clients, threat));
  const Population of = population(clients, threat);
  const std::uint32_t k = clients - 1;
  const std::uint32_t threshold = secure_threshold(of, k, threat.adversary);
  if (threshold + of.dropped > k) return infeasible(clients);
  return Parameters{k, threshold};
}

Result<Parameters> sparse_graph_parameters(std::uint32_t clients, const Threat& threat) {
  FED_TRY(check_ranges(clients, threat));
  const Population of = population(clients, threat);
  for (std::uint32_t k = 2; k < clients - 1; k += 2) {
    if (!stays_connected(of, k)) continue;
    const std::uint32_t threshold = secure_threshold(of, k, threat.adversary);
    if (threshold <= remaining_neighbours_min(of, k)) return Parameters{k, threshold};
  }
  return infeasible(clients);
}

Result<Parameters> parameters_for(std::uint32_t clients, const Threat& threat) {
  return clients <= kFullGraphClientsMax ? full_graph_parameters(clients, threat)
                                         : sparse_graph_parameters(clients, threat);
}

Status check_security(std::uint32_t clients, const Parameters& parameters, const Threat& threat) {
  FED_TRY(check_ranges(clients, threat));
  const std::uint32_t k = parameters.neighbours;
  const bool full = is_full(clients, k);
  if (!full && clients <= kFullGraphClientsMax) {
    return Error{ErrorCode::invalid, "of " + std::to_string(clients) +
                                         " clients everybody is everybody's neighbour, not " +
                                         std::to_string(k)};
  }
  if (!full && (k < 2 || k % 2 != 0 || k >= clients - 1)) {
    return Error{ErrorCode::invalid, std::to_string(k) + " neighbours make no graph of " +
                                         std::to_string(clients) + " clients"};
  }
  const Population of = population(clients, threat);
  if (!full && !stays_connected(of, k)) {
    return Error{ErrorCode::invalid, std::to_string(k) + " neighbours are too few for " +
                                         std::to_string(clients) + " clients to stay connected"};
  }
  const std::uint32_t least = secure_threshold(of, k, threat.adversary);
  if (parameters.threshold < least || parameters.threshold > k) {
    return Error{ErrorCode::invalid, "a threshold of " + std::to_string(parameters.threshold) +
                                         " of " + std::to_string(k) + " is not within " +
                                         std::to_string(least) + " and " + std::to_string(k)};
  }
  return {};
}

}  // namespace fed::secagg
