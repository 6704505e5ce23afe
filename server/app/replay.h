// A round that is committed, folded again from what was kept of it (keep.rounds in the job file):
// does every byte agree?
//
// Three witnesses are asked: the journal (who was counted, with which weight and checksum), the
// kept updates and the checkpoints before and after the round. The fold is the one that closes
// rounds.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/closing.h"
#include "store/kept.h"

namespace fed::app {

// Where the updates of a server's jobs are kept.
store::Kept kept_of(const Services& services);

// What is told to Kept: JSON that gives the same CloseRound back.
std::string describe(const round::CloseRound& round);
Result<round::CloseRound> described(const std::string& text);  // malformed

struct ReplayInput {
  std::shared_ptr<const Plan> plan;
  std::int64_t round = 0;
  std::vector<store::ContributionRow> rows{};   // the journal's, of the round
  std::map<std::int64_t, std::string> names{};  // of the clients
};

// A tensor of the checkpoint that is another one when it is made again.
struct Difference {
  std::string tensor;  // as the checkpoint has it
  std::uint64_t bytes = 0, differ = 0;
  std::uint64_t first = 0;  // offset in the tensor of the first one
};

struct Replayed {
  std::int64_t round = 0;
  std::size_t contributions = 0;
  std::uint64_t bytes = 0;            // compared: weights and optimizer state
  std::vector<std::string> problems;  // what is not as the journal has it, in words
  std::vector<Difference> differences;

  bool agrees() const { return problems.empty() && differences.empty(); }
};

// On the compute pool; changes nothing. Memory: three times weights and state, and the fold's.
// not_found if the round or a checkpoint was not kept; what reading can give.
Result<Replayed> replay(const ReplayInput& input, const Services& services);

}  // namespace fed::app
