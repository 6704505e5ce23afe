// The global models of a job on disk, each with what is needed to go on from it and to know where
// it came from.
//
//   checkpoints/JOB/VERSION.safetensors
//
// The file holds the model's parameters under their layout's names, `optimizer.m` and `optimizer.v`
// [coordinates] where the server optimizer has them, and as metadata `format`, `job`, `version` and
// the caller's own entries. A save is complete or did not happen: temporary name, sync, rename,
// sync of the folder.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "tensor/layout.h"
#include "tensor/safetensors.h"
#include "tensor/vector.h"

namespace fed::store {

// What is saved; views. m and v are empty or have layout.size() elements.
struct CheckpointView {
  std::string_view job;
  std::int64_t version = 0;
  const tensor::Layout* layout = nullptr;
  std::span<const float> weights;  // [layout.size()]
  std::span<const float> m, v;     // the server optimizer's state
  tensor::Metadata metadata;  // "metrics", "contributions", "job_text", "statistics", ...: UTF-8
};

// What is loaded.
struct Checkpoint {
  std::int64_t version = 0;
  tensor::Floats weights{}, m{}, v{};
  tensor::Metadata metadata;  // with "format", "job" and "version"
};

// Stateless beside its folder: thread-safe for different versions, and for reading while another is
// saved.
class Checkpoints {
 public:
  Checkpoints(Disk& disk, fs::path folder, Durability durability)
      : disk_(&disk), folder_(std::move(folder)), durability_(durability) {}

  // Replaces a checkpoint of the same version. disk_full or io leave an older one as it was.
  Status save(const CheckpointView& checkpoint) const;

  // not_found; malformed for a damaged file; mismatch for one of another job, version or layout,
  // naming the tensor, the expected and the found shape; `invalid` for values that are not finite.
  Result<Checkpoint> load(std::string_view job, std::int64_t version,
                          const tensor::Layout& layout) const;

  // The versions there are, ascending. None for an unknown job.
  Result<std::vector<std::int64_t>> versions(std::string_view job) const;

  // Removes all versions but these, and files that a crash left half-written.
  Status prune(std::string_view job, const std::set<std::int64_t>& keep) const;
  Status remove_job(std::string_view job) const;

  // Only the model's parameters, for other programs, on the same disk: safetensors or npz by the
  // name's end. `invalid` for another one. Metadata (safetensors only): format, job, version and
  // the checkpoint's own.
  Status export_model(std::string_view job, std::int64_t version, const fs::path& to) const;

  fs::path path(std::string_view job, std::int64_t version) const;

 private:
  Disk* disk_;
  fs::path folder_;
  Durability durability_;
};

}  // namespace fed::store
