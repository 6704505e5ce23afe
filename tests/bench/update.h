// The update that every synthetic client sends: made of numbers, not of training.
//
// Small numbers that repeat after a block of 4 MiB, so that one of any size needs no more memory
// than that, and reading it costs what reading from the page cache costs: one copy. Immutable;
// reads are safe from any thread.
#pragma once

#include <memory>

#include "base/checksum.h"
#include "base/file.h"

namespace fed::bench {

struct Update {
  std::shared_ptr<const File> file;
  std::uint64_t bytes = 0;
  Checksum sum{};
};

// `coordinates` float32, of magnitude 0.01 at most.
Update make_update(std::uint64_t coordinates);

// The first `coordinates` of that.
std::vector<float> update_values(std::uint64_t coordinates);

}  // namespace fed::bench
