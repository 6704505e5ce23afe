// One version of a job's model: the weights, the server optimizer's state, and the sealed copy that
// clients fetch.
//
// Immutable once made; shared between threads.
#pragma once

#include <cstdint>
#include <memory>

#include "aggregate/server_optimizer.h"
#include "base/disk.h"
#include "wire/messages.h"

namespace fed::app {

struct GlobalModel {
  std::int64_t version = 0;
  tensor::Floats weights;
  aggregate::OptimizerState state;
  wire::ModelRef ref;
  std::shared_ptr<const File> sealed;  // channel/sealed_blob.h; null: nobody may fetch it
  std::uint64_t sealed_bytes = 0;
};

// Seals `weights` under a fresh key into a file of `folder` on `disk` that has no name any more, so
// that it goes when its last reader does, also after a crash. ErrorCode::disk_full, io.
Result<std::shared_ptr<const GlobalModel>> seal_model(std::int64_t version, tensor::Floats weights,
                                                      aggregate::OptimizerState state, Disk& disk,
                                                      const fs::path& folder);

// A job's last version: no client is asked to train on it, so that there is none to seal it for.
std::shared_ptr<const GlobalModel> last_model(std::int64_t version, tensor::Floats weights,
                                              aggregate::OptimizerState state);

// The same version, to be fetched only.
std::shared_ptr<const GlobalModel> without_weights(const GlobalModel& model);

// Where in the sealed file the chunk at plain `offset` begins. ErrorCode::invalid unless `offset`
// is a chunk's.
Result<std::uint64_t> sealed_offset(const GlobalModel& model, std::uint64_t offset);

}  // namespace fed::app
