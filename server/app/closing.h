// The closing of a round, on the compute pool: from the admitted updates in staging to the next
// version on disk.
//
// Pure in what it is given, apart from the files it writes; whatever fails leaves the present
// version as it is.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "aggregate/fold.h"
#include "app/early_fold.h"
#include "app/global_model.h"
#include "app/plan.h"
#include "app/services.h"
#include "data/statistics.h"
#include "model/metrics.h"
#include "round/effects.h"

namespace fed::app {

struct ClosingInput {
  std::shared_ptr<const Plan> plan;
  round::CloseRound round;
  std::shared_ptr<const GlobalModel> base;
  std::vector<data::Scaling> scaling;        // of the number columns, as round 0 found it
  tensor::Metadata provenance;               // goes into the checkpoint
  std::shared_ptr<BegunFold> begun;          // what has been added up already; null: nothing
  std::shared_ptr<const secagg::Words> sum;  // of hidden updates: unmasked, or decrypted
  // Noise of the server, clipping norm that adapts: updates within it, minus those beyond.
  std::int64_t more_within = 0;
};

struct Closed {
  std::shared_ptr<const GlobalModel> model;
  std::vector<data::Scaling> scaling;
  std::optional<model::Metrics>
      metrics;  // of the new version on the server's test rows, if it has some
  std::optional<model::Metrics> clients;  // where updates are hidden: of the base, from their sum
};

// The admitted updates, in the order of the round's contributions.
Result<std::vector<File>> open_updates(const ClosingInput& input, const store::Staging& staging);

// What is folded; views, but for the plan's and the round's own.
struct FoldedRound {
  const Plan& plan;
  const round::CloseRound& round;
  std::span<const float> weights;  // of the version that the round goes on from
  const aggregate::OptimizerState& state;
  BegunFold* begun = nullptr;          // used up
  const secagg::Words* sum = nullptr;  // of updates that are integers; null: to be added up
  double clipping_norm = 0;            // of the version that it goes on from (GlobalModel)
};

struct RoundResult {
  aggregate::Folded folded;
  std::optional<model::Metrics> clients;  // of the base, where the sum has them
  double next_norm = 0;  // the clipping norm of what comes of it, where the sum tells; 0: no other
};

// `files` are the updates of round.contributions, in that order. The same for a round that is
// closed and for one that is replayed. `worn` as for aggregate::fold.
Result<RoundResult> fold_round(const FoldedRound& round, std::span<const File> files,
                               const aggregate::ParallelFor& parallel_for,
                               aggregate::Folded worn = {});

// Folds, evaluates, saves the checkpoint (durably), seals all but the job's last version. The base
// has a `memory`.
Result<Closed> close_training(const ClosingInput& input, const Services& services);

// Adds up the statistics of round 0; the model stays.
Result<Closed> close_statistics(const ClosingInput& input, const Services& services);

// The sum of packed vectors, modulo 2^b. ErrorCode::malformed for one that is not of the shape.
Result<secagg::Words> add_up(std::span<const File> files, const coding::VectorShape& shape);

// What an upload of packed or encrypted integers is worth: replaces the facts that staging saw of
// them as floats.
Result<round::UploadFacts> integer_facts(const Plan& plan, round::TaskKind kind,
                                         const store::Staging& staging, const store::UploadKey& key,
                                         std::uint64_t bytes);

// What a statistics upload is worth, since its bytes are doubles: replaces the facts that staging
// saw.
Result<round::UploadFacts> statistics_facts(const store::Staging& staging,
                                            const store::UploadKey& key, std::uint64_t bytes);

// The scaling as JSON for checkpoints and the journal: {"means": [...], "deviations": [...]}, and
// back.
std::string scaling_text(const std::vector<data::Scaling>& scaling);
std::vector<data::Scaling> scaling_from(const std::string& text);

}  // namespace fed::app
