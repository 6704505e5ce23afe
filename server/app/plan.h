// All that follows from a job file, worked out once: the model, the rule, the optimizer, the sizes.
// Immutable, shared.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregate/aggregator.h"
#include "aggregate/server_optimizer.h"
#include "app/job_privacy.h"
#include "coding/encrypted_vector.h"
#include "coding/job_codec.h"
#include "config/job.h"
#include "model/model.h"
#include "round/engine.h"

namespace fed::app {

struct Plan {
  config::JobSpec spec;
  std::string public_text;  // what clients are told: the job without the server's own paths
  std::unique_ptr<const model::Model> model;
  const aggregate::Rule* rule = nullptr;
  std::unique_ptr<const aggregate::ServerOptimizer> optimizer;
  std::optional<JobPrivacy> privacy;  // absent: the models are not noised
  crypto::Hash settings{};            // of public_text: what clients bind their secrets to
  round::EngineConfig engine;
  std::size_t number_columns = 0;  // whose statistics round 0 collects; 0: there is no round 0

  const round::UpdateShape& shape(round::TaskKind kind) const {
    return kind == round::TaskKind::training ? engine.training : engine.statistics;
  }
  std::uint64_t update_bytes(round::TaskKind kind) const { return shape(kind).bytes; }
  // Whether updates are integers (section "quantisation"); summed up under masks; ciphertexts.
  bool integers() const { return spec.quantisation.has_value(); }
  bool secure() const { return spec.secure_aggregation.has_value(); }
  bool encrypted() const { return spec.homomorphic_encryption.has_value(); }
  // Of such a job's updates from that version, and of its statistics; `norm` as coding::codec_of
  // has it. They can be made, as make_plan has seen.
  secagg::Codec codec(std::int64_t base_version, double norm = 0) const;
  coding::StatisticsCodec statistics_codec() const;
  coding::VectorShape vector_shape(round::TaskKind kind) const;
  coding::EncryptedVector encrypted_vector(round::TaskKind kind) const;
  // That the job makes, unless it ends before.
  std::int64_t versions_max() const {
    return std::min(engine.stopping.versions_max, engine.stopping.versions_paid);
  }
  // The grid that a round of this weight, and of this clipping norm if it adapts, is summed on.
  // Errors as of Grid::make.
  Result<aggregate::Grid> grid(double total_weight, double norm = 0) const;
  // What is added up while a round's updates come in (early_fold.h); 0: nothing is. Not for an
  // asynchronous job, whose weight W is unknown until it closes, nor for rules that keep all
  // updates, nor where it is so large that it would push the updates out of the page cache.
  std::uint64_t early_fold_bytes() const;
  // Beside what is folded, of a job whose updates are integers.
  std::uint64_t sum_bytes() const;
  // What its operator might not expect of it, a sentence each.
  std::vector<std::string> notes() const;
  // Memory that the job needs at its worst moment, the closing of a round.
  std::uint64_t memory_bytes(unsigned threads) const;
};

// ErrorCode::invalid or unsupported if the parts of the job do not go together.
Result<std::shared_ptr<const Plan>> make_plan(config::JobSpec spec);

}  // namespace fed::app
