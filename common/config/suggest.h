// Which key a person probably meant.
//
// Free functions; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fed::config {

// The fewest insertions, deletions, replacements and swaps of neighbours that make `b` of `a`,
// where no stretch is edited twice (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `candidates` to `word` (the first of several), if it is near enough to be a slip:
// one edit for every three characters, at least one, at most three.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

}  // namespace fed::config
