#include "app/local_workshop.h"

namespace fed::app {

class LocalWorkshop::Opened final : public Workload {
 public:
  Opened(std::unique_ptr<LocalJob> job, Disk& disk, train::Trainer& trainer)
      : job_(std::move(job)), disk_(disk), trainer_(trainer) {}

  std::int64_t examples() const override { return job_->examples(); }
  bool hides_rows() const override { return job_->hides_rows(); }
  std::uint64_t row_steps() const override { return job_->row_steps(); }
  std::optional<SecureShape> secure(wire::TaskKind kind) const override {
    return job_->secure(kind);
  }
  Result<TaskAnswer> perform(const wire::Task& task, const fs::path& model_file,
                             const std::string& client, const train::Progress& progress,
                             std::stop_token stop) override {
    if (task.kind == wire::TaskKind::statistics) return job_->sum(task, crypto::random_bytes);
    return job_->train(task, disk_, model_file, client, trainer_, crypto::random_bytes, progress,
                       stop);
  }

 private:
  std::unique_ptr<LocalJob> job_;
  Disk& disk_;
  train::Trainer& trainer_;
};

Result<std::shared_ptr<Workload>> LocalWorkshop::open(const std::string& name,
                                                      const std::string& text) {
  if (data_.empty()) return Error{ErrorCode::unsupported, "this client has no data"};
  FED_ASSIGN(job, LocalJob::open(name, text, data_, agreement_, &ledger_));
  return std::shared_ptr<Workload>(std::make_shared<Opened>(std::move(job), disk_, trainer_));
}

}  // namespace fed::app
