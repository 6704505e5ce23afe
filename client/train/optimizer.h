// How a client moves its weights along a gradient: the local optimizers of a job.
//
// The types are listed in optimizers.def; a new one is a file and a line there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "config/job.h"
#include "model/model.h"
#include "tensor/vector.h"

namespace fed::train {

// Lives for one training run, with the momenta it gathers. One thread at a time.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Where the gradient of the next step belongs: for heavy-ball momentum it is added to what is
  // kept of the velocity.
  model::GradientSum gradient() { return {gradient_, keep_}; }

  // One step along it; `weights` has the size that the optimizer was made for.
  virtual void step(std::span<float> weights) = 0;

 protected:
  explicit Optimizer(std::uint64_t size, float keep = 0) : gradient_(size), keep_(keep) {}

 private:
  tensor::Floats gradient_;
  float keep_;
};

// For vectors of `size`. ErrorCode::invalid for an unknown type or a constant outside its range.
Result<std::unique_ptr<Optimizer>> make_optimizer(const config::OptimizerSpec& spec,
                                                  std::uint64_t size);

// The types that make_optimizer knows, in the order of optimizers.def.
std::span<const std::string_view> optimizer_types();

// gradient += weight_decay · weights + proximal · (weights - global): the gradients of an L2
// penalty and of FedProx's proximal term, mu / 2 · |w - w_global|² (Li et al. 2020, "Federated
// Optimization in Heterogeneous Networks", eq. 2).
struct Penalties {
  double weight_decay = 0;
  double proximal = 0;
};
void add_penalties(const Penalties& penalties, std::span<const float> weights,
                   std::span<const float> global, std::span<float> gradient);

}  // namespace fed::train
