// The site's real data, and the built-in trainer.
#pragma once

#include "app/local_job.h"
#include "app/privacy_ledger.h"
#include "app/workload.h"
#include "config/client.h"
#include "train/local_trainer.h"

namespace fed::app {

// `open` may run on another thread than what it has opened. Outlives that.
class LocalWorkshop final : public Workshop {
 public:
  // `disk` (of the models) and `spec` outlive it.
  LocalWorkshop(Disk& disk, const config::ClientSpec& spec)
      : disk_(disk),
        data_(spec.data),
        agreement_(spec.jobs),
        trainer_(spec.threads),
        ledger_(disk, spec.state_dir / kPrivacyLedger, spec.jobs.privacy) {}

  Result<std::shared_ptr<Workload>> open(const std::string& name, const std::string& text) override;
  Status acknowledged(const std::string& job, std::int64_t task) override {
    return ledger_.acknowledge(job, task);
  }

 private:
  class Opened;
  Disk& disk_;
  const config::DataSpec& data_;
  const session::Agreement agreement_;
  train::LocalTrainer trainer_;  // of whoever performs
  PrivacyLedger ledger_;
};

}  // namespace fed::app
