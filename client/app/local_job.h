// One job on this machine's data: the server's words checked, the rows read, a task done.
//
// A job's text comes from the server and is treated as any stranger's file. The errors returned
// here are told to the server, so they never quote the data: what is wrong with it goes to this
// machine's log in full, and the server learns only that this client cannot take part.
//
// Used on one thread at a time; the rows are loaded when first needed and kept, so a round costs no
// reading.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/privacy_ledger.h"
#include "app/workload.h"
#include "base/disk.h"
#include "coding/job_codec.h"
#include "config/job.h"
#include "data/source.h"
#include "model/model.h"
#include "session/agreement.h"
#include "train/trainer.h"
#include "wire/messages.h"

namespace fed::app {

// What the server may be told of an error here: never a file's name (that stays in this client's
// own log).
std::string for_server(const Error& error);

// What the data layer has to know of a job that it is to read for.
data::Expectation expectation_of(const config::JobSpec& job, const model::Model& model);

// means[i], deviations[i] as the data layer's pairs. ErrorCode::mismatch for lists of unlike
// length.
Result<std::vector<data::Scaling>> scaling_of(const std::vector<double>& means,
                                              const std::vector<double>& deviations);

class LocalJob {
 public:
  // `name` is what the server calls the job, `text` its JSON. What the site has not agreed to is an
  // error before any data is read. Reads all of the data once.
  // `ledger` outlives it; without one, a job with privacy is done and nothing is entered (tests).
  static Result<std::unique_ptr<LocalJob>> open(const std::string& name, const std::string& text,
                                                const config::DataSpec& data,
                                                const session::Agreement& agreement = {},
                                                PrivacyLedger* ledger = nullptr);

  std::int64_t examples() const { return source_->train_rows(); }
  // Whether the server is not to know how many rows there are.
  bool hides_rows() const { return spec_.hides_rows(); }
  std::uint64_t row_steps() const;  // as Workload has it
  const config::JobSpec& spec() const { return spec_; }

  using Answer = TaskAnswer;

  // Sums of the training rows' number columns (data/statistics.h). `random` is for their
  // encryption, if the job has one.
  Result<Answer> sum(const wire::Task& task, const crypto::RandomSource& random) const;

  // Trains on the weights in `model_file` as `client`, whose name seeds the shuffling. `random` is
  // for the rounding of an update that becomes integers, and for its noise. What the task costs of
  // the site's privacy is entered in the ledger before it is trained, or, if the noise is this
  // client's own, before that is added; the noise under a secure sum is not added here but to each
  // masked input (SecureShape). What the server counts and the ledger lacks is entered before.
  Result<Answer> train(const wire::Task& task, Disk& disk, const fs::path& model_file,
                       const std::string& client, train::Trainer& trainer,
                       const crypto::RandomSource& random, const train::Progress& progress,
                       std::stop_token stop);

  // Of a job with secure aggregation; nothing for any other.
  std::optional<SecureShape> secure(wire::TaskKind kind) const;

 private:
  LocalJob(config::JobSpec spec, std::unique_ptr<model::Model> model, session::Agreement agreement,
           PrivacyLedger* ledger)
      : spec_(std::move(spec)),
        model_(std::move(model)),
        agreement_(std::move(agreement)),
        ledger_(ledger) {}
  Status read(const config::DataSpec& data);
  Status agree();
  Status agree_on_privacy(const secagg::Codec* codec);
  Status pay(std::int64_t task) const;
  Status pay_before_training(const wire::Task& task) const;
  coding::VectorShape vector_shape(wire::TaskKind kind) const;
  coding::StatisticsCodec statistics_codec() const;
  bool adapts() const { return spec_.privacy && spec_.privacy->adaptive; }
  Status check_norm(const wire::Task& task) const;
  Status encode(const wire::Task& task, const train::Update& update,
                const crypto::RandomSource& random, Answer& answer) const;
  Result<secagg::Words> encode_noisy(const wire::Task& task, const train::Update& update,
                                     const secagg::Codec& codec, crypto::KeyView secret) const;
  Result<Bytes> to_send(const secagg::Words& vector, wire::TaskKind kind,
                        const crypto::RandomSource& random) const;
  void hide(wire::Offer& offer, const crypto::Hash& start) const;
  Status load(const wire::Task& task);

  config::JobSpec spec_;
  std::unique_ptr<model::Model> model_;
  session::Agreement agreement_;
  crypto::Hash settings_{};  // of the job's text
  PrivacyLedger* ledger_;
  std::optional<privacy::PlanRequest> cost_;         // of a task, with privacy
  std::shared_ptr<const coding::JobNoise> noise_{};  // of this client; null: none
  std::unique_ptr<data::Source> source_;
  std::optional<model::Dataset> dataset_;  // as scaled by scaling_
  std::vector<data::Scaling> scaling_;
};

}  // namespace fed::app
