// A server under random disconnects for a while, and what became of its memory and descriptors.
//
// Twenty clients go through rounds of a small model whose updates travel in chunks; every few
// milliseconds the line of one of them is cut, wherever it is. Then all go away, and the
// descriptors of the server must be as many as after a first, short job.
#pragma once

#include <functional>
#include <vector>

#include "bench.h"
#include "trend.h"

namespace fed::bench {

struct SoakPlan {
  double seconds = 600;
  std::size_t clients = 20;
  std::uint64_t coordinates = 100'000;
  std::uint64_t seed = 1;
  // Called about once a second with the share that is done.
  std::function<void(double)> progress{};
};

struct Soak {
  std::vector<Reading> resident;     // bytes, over time
  std::vector<Reading> descriptors;  // open ones, over time
  std::size_t descriptors_before = 0, descriptors_after = 0;
  std::size_t disconnects = 0;  // that were asked for
  std::size_t answers = 0;      // updates that the server has answered for

  bool flat() const;  // memory did not grow
  bool let_go() const { return descriptors_after <= descriptors_before; }
};

// Memory may grow by so much from the second quarter to the last: what an allocator does by itself.
inline constexpr double kGrowthMax = 0.05;

Result<Soak> soak(const ServerProcess& server, const SoakPlan& plan);

}  // namespace fed::bench
