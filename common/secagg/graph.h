// Who is whose neighbour: the Harary graph H(n, k) over a random order of the clients.
//
// The clients sit on a ring, and each one's neighbours are the k/2 on either side (k even), or
// everybody else (k = n - 1). H(n, k) is k-regular and k-connected, with the fewest edges there can
// be (Harary 1962, "The maximum connectivity of a graph"); the order makes it random (Bell and
// others 2020, section 3.4). The order follows from a hash of all signed keys (roster.h), so
// everybody computes the same graph, and the server cannot give a victim neighbours of its choice:
// it knows the order only once it can no longer change a key. What it could still do is to leave
// out keys until it likes the order; that is why the parameters bound a random graph's worst
// neighbourhood, and why the server is trusted with that step against "semi-malicious" adversaries.
#pragma once

#include <cstdint>
#include <vector>

#include "crypto/hash.h"

namespace fed::secagg {

// A client's place in the roster: 0 to n - 1, in the order of the ids.
using Member = std::uint32_t;

// Immutable; reads are thread-safe.
class Graph {
 public:
  // `k` is n - 1, or even and 2 <= k < n - 1 (check_security says so); n >= 3.
  Graph(std::uint32_t n, std::uint32_t k, const crypto::Hash& seed);

  std::uint32_t size() const { return static_cast<std::uint32_t>(order_.size()); }
  std::uint32_t degree() const { return degree_; }

  // The k neighbours of `member` in ascending order.
  std::vector<Member> neighbours(Member member) const;
  // Whether they are neighbours; nobody is its own.
  bool adjacent(Member a, Member b) const;
  // How many of the neighbours of `member` are marked (`marks` has one entry for each member).
  std::uint32_t count_neighbours(Member member, const std::vector<bool>& marks) const;

 private:
  Member at(std::uint32_t place) const { return order_[place % size()]; }

  std::uint32_t degree_;
  std::vector<Member> order_;         // around the ring
  std::vector<std::uint32_t> place_;  // of each member on the ring
};

}  // namespace fed::secagg
