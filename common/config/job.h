// What a job is: the typed form of a job file. The keys, their ranges and their defaults are in
// schemas/job.schema.json and configs/README.md; a JobSpec that exists has passed that schema and
// `parse_job`'s checks across keys, so nothing is checked again behind it.
//
// Plain values; copy freely, share const.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/data.h"
#include "config/problem.h"

namespace fed::config {

struct OptimizerSpec {
  std::string type;  // local: sgd, adam; server: sgd, adam, yogi, adagrad
  double learning_rate = 0.01;
  double momentum = 0;    // sgd, in [0, 1)
  double beta1 = 0.9;     // the others, in [0, 1); server adagrad default 0
  double beta2 = 0.999;   // adam and yogi, in [0, 1); server default 0.99 (Reddi et al. 2020)
  double epsilon = 1e-8;  // local adam's epsilon; the server's tau, default 1e-3

  bool operator==(const OptimizerSpec&) const = default;
};

struct ModelSpec {
  std::string type;                  // linear, logistic, softmax, mlp
  std::int64_t inputs = 0;           // features; 0 = as many as the inputs section encodes to
  std::vector<std::int64_t> hidden;  // mlp: widths of the hidden layers
  std::int64_t outputs = 1;          // classes, or 1
  std::string activation = "relu";   // mlp: relu, tanh, sigmoid
  std::string loss;                  // squared_error, binary_cross_entropy, cross_entropy
  std::uint64_t seed = 1;            // of the initial weights

  bool operator==(const ModelSpec&) const = default;
};

struct TrainingSpec {
  // FedAvg, FedSGD (McMahan et al. 2017), FedAsync (Xie et al. 2019, Algorithm 1)
  enum class Update { delta, gradient, weights };
  Update update = Update::delta;
  std::int64_t epochs = 1;
  std::int64_t batch_size = 32;
  OptimizerSpec optimizer{.type = "sgd"};
  double weight_decay = 0;            // L2 coefficient added to the gradient
  double proximal = 0;                // mu of FedProx (Li et al. 2020)
  std::vector<double> class_weights;  // empty: all 1; else one per class

  bool operator==(const TrainingSpec&) const = default;
};

// Who is asked: all alike, by rows, by recent speed, or by loss (power of choice, Cho et al. 2020).
struct SelectionSpec {
  enum class By { uniform, examples, speed, loss };
  By by = By::uniform;
  std::int64_t candidates = 0;  // d of power of choice; 0: twice the clients wanted

  bool operator==(const SelectionSpec&) const = default;
};

// How far behind an update may be, and what it then counts: s(t - tau) of Xie et al. 2019, 5.2.
struct StalenessSpec {
  enum class Weight { constant, polynomial, hinge };
  std::int64_t max = 0;  // versions; 0: a synchronous job
  Weight weight = Weight::polynomial;
  double exponent = 0.5;   // a of polynomial
  double slope = 10;       // a of hinge
  std::int64_t grace = 4;  // b of hinge

  bool operator==(const StalenessSpec&) const = default;
};

struct RoundsSpec {
  enum class Order { arrival, seeded };
  std::int64_t max = 1;                // versions to commit
  std::int64_t cohort = 1;             // clients asked per round, or at work at once
  std::int64_t contributions_min = 1;  // 1 <= min <= goal, and goal <= cohort if synchronous
  std::int64_t contributions_goal = 1;
  double seconds_min = 0;         // least deadline, if it follows the rounds seen
  double seconds_max = 600;       // deadline of a round, and of each task of an asynchronous job
  double seconds_deviations = 0;  // > 0: the deadline follows the rounds seen
  double seconds_select = 30;     // patience for a full cohort once `min` clients are there
  SelectionSpec selection{};
  StalenessSpec staleness{};
  Order order = Order::arrival;  // of the contributions of an asynchronous job
  std::uint64_t seed = 1;        // of selection and of every client's shuffling

  bool operator==(const RoundsSpec&) const = default;
};

struct AggregationSpec {
  enum class Weighting { examples, uniform };
  std::string rule = "mean";
  Weighting weighting = Weighting::examples;
  double update_limit = 64;  // largest |coordinate| of an update
  OptimizerSpec server_optimizer{.type = "sgd", .learning_rate = 1.0};

  bool operator==(const AggregationSpec&) const = default;
};

struct EvaluationSpec {
  std::int64_t every = 1;        // rounds; 0 = never
  std::string metric = "loss";   // accuracy, loss, auc, rmse, mae, r2; default by the model's loss
  std::optional<double> target;  // stop when reached
  std::int64_t patience = 0;  // stop after so many evaluations without a better metric; 0 = never
  std::optional<DataSpec> data;  // test rows on the server; absent: the clients' test rows

  bool operator==(const EvaluationSpec&) const = default;
};

struct ColumnSpec {
  enum class Type { number, category };
  std::string name;
  Type type = Type::number;
  std::vector<std::string> values;        // category: one-hot in this order
  std::optional<double> mean, deviation;  // number: constants for "scaling": "constants"

  bool operator==(const ColumnSpec&) const = default;
};

struct InputsSpec {
  enum class Scaling { none, federated, constants };
  enum class Missing { refuse, mean, mean_and_indicator };
  enum class Unknown { refuse, other };
  std::vector<ColumnSpec> columns;
  std::string label;                 // column name
  std::vector<std::string> classes;  // empty: a number (regression)
  Scaling scaling = Scaling::none;
  Missing missing = Missing::mean;
  Unknown unknown_category = Unknown::refuse;  // other: one more one-hot column per category

  bool operator==(const InputsSpec&) const = default;
};

struct KeepSpec {
  std::int64_t rounds = 0;  // whose updates and checkpoints stay on disk after their commit

  bool operator==(const KeepSpec&) const = default;
};

// A clipping norm that follows a quantile of the updates' norms (privacy/adaptive_clip.h).
struct AdaptiveClipSpec {
  double quantile = 0.5;       // of the updates, that should be within the norm
  double learning_rate = 0.2;  // of the norm's logarithm
  double count_noise = 0;      // standard deviation of the noise on how many are, in clients

  bool operator==(const AdaptiveClipSpec&) const = default;
};

// Differential privacy of the models. Each update has at most the clipping norm, and the noise that
// protects it the standard deviation (Laplace: the scale) noise_multiplier x clipping_norm.
struct PrivacySpec {
  // Who adds the noise: the server to the sum; every client a share of it under a secure sum; every
  // client all of it.
  enum class Mechanism { central_gaussian, distributed_gaussian, local_gaussian, local_laplace };
  Mechanism mechanism = Mechanism::central_gaussian;
  double clipping_norm = 0;  // Euclidean; of local_laplace the sum of the magnitudes
  double noise_multiplier = 0;
  double delta = 0;
  double epsilon_max = 0;                      // of all rounds together
  std::optional<AdaptiveClipSpec> adaptive{};  // absent: the norm stays; else it is the first one

  bool at_clients() const { return mechanism != Mechanism::central_gaussian; }
  bool operator==(const PrivacySpec&) const = default;
};

// Updates as integers (secagg/quantise.h), whose sum is exact and has a known number of bits.
struct QuantisationSpec {
  // Euclidean; a longer update is scaled down to it. Default 16, or the privacy section's.
  double clipping_norm = 16;
  std::int64_t steps = 65536;   // of the grid from 0 to the norm
  std::int64_t weight_max = 1;  // examples count up to this; default 65536 when they count
  bool rotation = false;        // at random, before rounding
  double kept = 1;              // fraction of the coordinates that is sent, in (0, 1]

  bool operator==(const QuantisationSpec&) const = default;
};

// Sums of which the server learns nothing but the sum (common/secagg). Fractions are of the clients
// of one sum.
struct SecureAggregationSpec {
  enum class Adversary { curious, semi_malicious };  // in ascending order of what they may do
  Adversary adversary = Adversary::semi_malicious;
  double corrupted = 0.05;  // may tell the server all they know
  double dropped = 0.05;    // may vanish while the sum is made
  double phase_s = 30;      // for each short step

  bool operator==(const SecureAggregationSpec&) const = default;
};

// Sums that the server makes of ciphertexts and cannot read (common/paillier).
struct HomomorphicEncryptionSpec {
  std::string public_key;  // base64url; not checked further (coding/encrypted_vector.h)
  std::string key_holder;  // the name of a client

  bool operator==(const HomomorphicEncryptionSpec&) const = default;
};

struct JobSpec {
  std::string name;  // [a-z0-9][a-z0-9_-]{0,62}
  ModelSpec model;
  TrainingSpec training;
  RoundsSpec rounds;
  AggregationSpec aggregation;
  EvaluationSpec evaluation;
  KeepSpec keep;
  std::optional<PrivacySpec> privacy;  // absent: none
  // There if updates are hidden, and if clients add noise.
  std::optional<QuantisationSpec> quantisation;
  // At most one of them; both absent: the server sees each update.
  std::optional<SecureAggregationSpec> secure_aggregation;
  std::optional<HomomorphicEncryptionSpec> homomorphic_encryption;
  std::optional<InputsSpec> inputs;  // tables; absent for images
  std::string text;                  // the file's canonical JSON with every default filled in

  // Whether the server learns sums of updates only.
  bool hides_updates() const { return secure_aggregation || homomorphic_encryption; }
  // Whether a client says nothing of how many rows it has, nor of what its training measured.
  bool hides_rows() const { return hides_updates() || (privacy && privacy->at_clients()); }

  bool operator==(const JobSpec&) const = default;
};

// Reads the text of a job file. A relative path in `evaluation.data` is taken from `folder` (as it
// is, if that is empty). The result's `text` gives the same JobSpec, and the same text, when it is
// read again.
Checked<JobSpec> parse_job(std::string_view text, const std::filesystem::path& folder = {});

// The same for a file; relative paths are taken from the folder that it is in.
Checked<JobSpec> load_job_file(const std::filesystem::path& path);

// Features that the inputs encode to: one per number (two with an indicator), one per category
// value (and "other").
std::int64_t encoded_width(const InputsSpec& inputs);

// Whose noise a sum of this job has at the least: contributions.min, without the clients that may
// tell theirs to the server. Not above 0 if there are none.
std::int64_t noise_sharers(const JobSpec& job);

}  // namespace fed::config
