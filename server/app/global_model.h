// One version of a job's model: the weights, the server optimizer's state, and the sealed copy that
// clients fetch.
//
// Immutable once made; shared between threads.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "aggregate/fold.h"
#include "base/disk.h"
#include "base/loop.h"
#include "wire/messages.h"

namespace fed::app {

// Memory of one version, kept from one that nobody holds any more for the next: pages that the
// system gives anew cost several times what is written to them. Thread-safe.
class WornMemory {
 public:
  void put(aggregate::Folded worn);
  aggregate::Folded take();  // empty if there is none

 private:
  std::mutex mutex_;
  aggregate::Folded worn_;
};

struct GlobalModel {
  GlobalModel() = default;
  GlobalModel(std::int64_t number, aggregate::Folded values, std::shared_ptr<WornMemory> of_job);
  ~GlobalModel();
  GlobalModel(const GlobalModel&) = delete;
  GlobalModel& operator=(const GlobalModel&) = delete;

  std::int64_t version = 0;
  double clipping_norm = 0;  // of the round that goes on from it, where it adapts; 0: the job's own
  tensor::Floats weights;
  aggregate::OptimizerState state;
  std::shared_ptr<WornMemory> memory;  // of all versions of the job; null: the system's
  wire::ModelRef ref;
  std::shared_ptr<const File> sealed;  // channel/sealed_blob.h; null: nobody may fetch it
  std::uint64_t sealed_bytes = 0;
};

// Lets clients fetch it: seals the weights under a fresh key into a file of `folder` on `disk` that
// has no name any more, so that it goes when its last reader does, also after a crash. A free
// thread of `compute` helps. ErrorCode::disk_full, io.
Status seal(GlobalModel& model, Disk& disk, const fs::path& folder, Executor& compute);

// The same version, to be fetched only.
std::shared_ptr<const GlobalModel> without_weights(const GlobalModel& model);

// Where in the sealed file the chunk at plain `offset` begins. ErrorCode::invalid unless `offset`
// is a chunk's.
Result<std::uint64_t> sealed_offset(const GlobalModel& model, std::uint64_t offset);

}  // namespace fed::app
