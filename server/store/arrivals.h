// Updates that become whole at about the same time become durable together: whoever comes while
// others are being synced is in the next group, whatever their number.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "store/upload.h"

namespace fed::store {

// Thread-safe; at most one group at a time.
class Arrivals {
 public:
  using Done = std::function<void(Result<UploadFacts>)>;

  // As Upload::finish. `done` is called once: on this thread before this returns, or on the thread
  // that is at another group now. So not from a thread that must not wait for a sync.
  void finish(Upload upload, Done done);

 private:
  struct Arrival {
    Upload upload;
    Done done;
  };

  std::vector<Arrival> next_group();

  std::mutex mutex_;
  std::vector<Arrival> waiting_;
  bool at_work_ = false;  // somebody takes care of those that wait
};

}  // namespace fed::store
