// Faults that happened, by kind: "connection lost", "flipped byte", ... A plain value.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace fed::sim {

using Tally = std::map<std::string, std::uint64_t>;

}  // namespace fed::sim
