// What is trained: functions from a flat vector of weights and rows of features to scores, losses
// and gradients.
//
// A Model holds no weights: the server's version, a client's copy and a gradient are all plain
// vectors with the model's layout. The built-in types are listed in models.def; a new one is a file
// and a line there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/job.h"
#include "model/dataset.h"
#include "model/loss.h"
#include "tensor/layout.h"
#include "tensor/vector.h"

namespace fed::model {

// Memory that a model's functions reuse from call to call, so that a training loop allocates
// nothing after its first batch. Holds nothing that outlives a call, apart from the result of
// `scores`. One for each thread.
class Workspace {
 public:
  // `size` floats with any content. The buffers of different slots do not overlap; a slot's memory
  // stays where it is until a larger size is asked for.
  std::span<float> buffer(std::size_t slot, std::size_t size);

 private:
  std::vector<tensor::Floats> slots_;
};

// Rows in memory that somebody else owns. `features` is [rows × inputs], row-major; `labels` is
// [rows].
struct Batch {
  std::span<const float> features;
  std::span<const float> labels;
  std::int64_t rows = 0;
};

// Where a gradient goes: values = keep · values + gradient. With a momentum to keep, it needs no
// vector and no pass over one of its own. Nothing is read where `keep` is 0.
struct GradientSum {
  std::span<float> values;
  float keep = 0;
};

// Immutable after construction; all functions are const and safe from any thread, each with its own
// Workspace. Spans of the wrong size are bugs and abort.
class Model {
 public:
  virtual ~Model() = default;

  const tensor::Layout& layout() const { return layout_; }
  std::int64_t inputs() const { return inputs_; }
  std::int64_t outputs() const { return outputs_; }
  Loss loss() const { return loss_; }

  // Random first weights; the same seed gives the same weights everywhere.
  virtual void initialize(std::span<float> weights, std::uint64_t seed) const = 0;

  // The scores of `features` [rows × inputs], as [rows × outputs]: in `workspace`, valid until its
  // next use.
  virtual std::span<float> scores(std::span<const float> weights, std::span<const float> features,
                                  std::int64_t rows, Workspace& workspace) const = 0;

  // The mean loss of the batch, and its gradient with respect to the weights. `class_weights` has
  // one weight for each class, or is empty.
  virtual BatchLoss loss_and_gradient(std::span<const float> weights, const Batch& batch,
                                      std::span<const float> class_weights, GradientSum gradient,
                                      Workspace& workspace) const = 0;

  // Class probabilities, the probability of class 1, or the value: [rows × outputs] into `out`.
  void predict(std::span<const float> weights, std::span<const float> features, std::int64_t rows,
               std::span<float> out, Workspace& workspace) const;

 protected:
  Model(tensor::Layout layout, std::int64_t inputs, std::int64_t outputs, Loss loss)
      : layout_(std::move(layout)), inputs_(inputs), outputs_(outputs), loss_(loss) {}

 private:
  tensor::Layout layout_;
  std::int64_t inputs_, outputs_;
  Loss loss_;
};

// The model that a job describes (`inputs` already filled in). ErrorCode::invalid, with what to
// change, for an unknown type, activation or loss, for hidden layers where there are none, and for
// outputs that do not go with the loss; too_large if the weights would not fit an address space.
Result<std::unique_ptr<Model>> make_model(const config::ModelSpec& spec);

// The types that make_model knows, in the order of models.def.
std::span<const std::string_view> model_types();

// Whether `class_weights` suit the model: none, or one finite, non-negative number for each class,
// not all 0.
Status check_class_weights(const Model& model, std::span<const double> class_weights);

// Whether rows suit the model: the number of inputs, the lengths, the labels, finite features. Call
// it once for each set of rows; the functions above trust them.
Status check_examples(const Model& model, const Examples& examples);

// All rows of `examples` as one batch, and rows [begin, begin + rows) of one, which has `inputs`
// features.
Batch batch_of(const Examples& examples);
Batch slice(const Batch& batch, std::int64_t inputs, std::int64_t begin, std::int64_t rows);

}  // namespace fed::model
