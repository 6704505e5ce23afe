// A virtual client's data and training: the real job, data and trainer of fedclient, on the machine
// of the trial.
//
// What 1000 clients share is not there 1000 times: trainers, with their buffers, belong to the
// threads that compute. Not thread-safe, as Workshop says; different clients' work runs at once.
#pragma once

#include "app/privacy_ledger.h"
#include "app/workload.h"
#include "base/disk.h"
#include "config/data.h"

namespace fed::sim {

class TrialWorkshop final : public app::Workshop {
 public:
  // Both outlive it. `limit` is the site's own, of its privacy.
  TrialWorkshop(Disk& disk, const config::DataSpec& data,
                const config::PrivacyAgreementSpec& limit = {})
      : disk_(disk), data_(data), ledger_(disk, fs::path("/state") / app::kPrivacyLedger, limit) {}

  Result<std::shared_ptr<app::Workload>> open(const std::string& name,
                                              const std::string& text) override;
  Status acknowledged(const std::string& job, std::int64_t task) override {
    return ledger_.acknowledge(job, task);
  }

 private:
  class Opened;
  Disk& disk_;
  const config::DataSpec& data_;
  app::PrivacyLedger ledger_;
};

}  // namespace fed::sim
