// A virtual client's data and training: the real job, data and trainer of fedclient, on the machine
// of the trial.
//
// What 1000 clients share is not there 1000 times: trainers, with their buffers, belong to the
// threads that compute. Not thread-safe, as Workshop says; different clients' work runs at once.
#pragma once

#include "app/workload.h"
#include "base/disk.h"
#include "config/data.h"

namespace fed::sim {

class TrialWorkshop final : public app::Workshop {
 public:
  // Both outlive it.
  TrialWorkshop(Disk& disk, const config::DataSpec& data) : disk_(disk), data_(data) {}

  Result<std::shared_ptr<app::Workload>> open(const std::string& name,
                                              const std::string& text) override;

 private:
  class Opened;
  Disk& disk_;
  const config::DataSpec& data_;
};

}  // namespace fed::sim
