// What the client's core needs of this machine's data: the seam behind which data is read and
// training happens, for real (local_workshop.h) or in a simulator.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/secure_work.h"
#include "base/file.h"
#include "tensor/vector.h"
#include "train/trainer.h"
#include "wire/messages.h"

namespace fed::app {

// What answers a task: the bytes of the update, and an offer that lacks only size and checksum.
struct TaskAnswer {
  wire::Offer offer;
  tensor::Floats values;     // of a training task
  Bytes coded;               // of one whose update is integers, instead of the values
  std::vector<double> sums;  // of a statistics task
  ByteView bytes() const {   // of the one that is there
    if (!coded.empty()) return coded;
    if (!sums.empty()) return as_bytes(std::span<const double>(sums));
    return as_bytes(std::span<const float>(values));
  }
};

// One job on this machine's data. `perform` is called on one thread at a time; the rest is
// constant.
class Workload {
 public:
  virtual ~Workload() = default;

  virtual std::int64_t examples() const = 0;  // rows to train on
  // Whether the server is not to know how many rows there are.
  virtual bool hides_rows() const { return secure(wire::TaskKind::training).has_value(); }
  // What the progress of a training task counts: the rows that it goes through, or parts of it.
  virtual std::uint64_t row_steps() const = 0;
  // Of what such a task yields, in a job where that is only seen as a sum; nothing in any other.
  virtual std::optional<SecureShape> secure(wire::TaskKind) const { return std::nullopt; }

  // Does `task` as `client`, from the weights in `model_file`. What an error says is told to the
  // server. ErrorCode::closed soon after `stop` was asked for.
  virtual Result<TaskAnswer> perform(const wire::Task& task, const fs::path& model_file,
                                     const std::string& client, const train::Progress& progress,
                                     std::stop_token stop) = 0;
};

// This machine's data. `open` is called on one thread at a time.
class Workshop {
 public:
  virtual ~Workshop() = default;
  // `name` is what the server calls the job, `text` its JSON. Reads all of the data once.
  virtual Result<std::shared_ptr<Workload>> open(const std::string& name,
                                                 const std::string& text) = 0;
  // The server has accepted the update of a task, which may be one of an earlier process. On any
  // thread. ErrorCode::malformed where this can never be noted as things are; else it should be
  // said again.
  virtual Status acknowledged(const std::string&, std::int64_t) { return {}; }
};

}  // namespace fed::app
