#include "sim/trial_workshop.h"

#include "app/local_job.h"
#include "sim/seeded_bytes.h"
#include "train/local_trainer.h"

namespace fed::sim {

class TrialWorkshop::Opened final : public app::Workload {
 public:
  Opened(std::unique_ptr<app::LocalJob> job, Disk& disk) : job_(std::move(job)), disk_(disk) {}

  std::int64_t examples() const override { return job_->examples(); }
  bool hides_rows() const override { return job_->hides_rows(); }
  std::uint64_t row_steps() const override { return job_->row_steps(); }
  std::optional<app::SecureShape> secure(wire::TaskKind kind) const override {
    return job_->secure(kind);
  }
  Result<app::TaskAnswer> perform(const wire::Task& task, const fs::path& model_file,
                                  const std::string& client, const train::Progress& progress,
                                  std::stop_token stop) override {
    // One product on one thread: the bits must not depend on how many there are.
    thread_local train::LocalTrainer trainer(1, [] { return Instant(); });
    // The same for the same client and task, whatever else is run beside it.
    const auto seed = mix_seed({seed_of(client), static_cast<std::uint64_t>(task.task)});
    if (task.kind == wire::TaskKind::statistics) return job_->sum(task, seeded_bytes(seed));
    return job_->train(task, disk_, model_file, client, trainer, seeded_bytes(seed), progress,
                       stop);
  }

 private:
  std::unique_ptr<app::LocalJob> job_;
  Disk& disk_;
};

Result<std::shared_ptr<app::Workload>> TrialWorkshop::open(const std::string& name,
                                                           const std::string& text) {
  FED_ASSIGN(job, app::LocalJob::open(name, text, data_, {}, &ledger_));
  return std::shared_ptr<app::Workload>(std::make_shared<Opened>(std::move(job), disk_));
}

}  // namespace fed::sim
