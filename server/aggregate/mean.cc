// The weighted mean (McMahan et al. 2017, Algorithm 1: the sum over clients of n_k / n times their
// updates), exact.
#include <algorithm>

#include "aggregate/aggregator.h"
#include "tensor/vector.h"

namespace fed::aggregate {

std::unique_ptr<Aggregator> make_mean(const Grid& grid, std::size_t coordinates);
std::size_t bytes_mean(std::size_t coordinates, std::size_t updates);

namespace {

class Mean final : public Aggregator {
 public:
  Mean(const Grid& grid, std::size_t coordinates) : grid_(grid), sum_(coordinates) {}

  void accumulate(std::span<const Term> terms) override {
    aggregate::accumulate(grid_, terms, sum_);
    for (const Term& term : terms) weight_ += term.weight;
  }

  void add_noise(std::span<const double> noise) override { aggregate::merge(noise, sum_); }

  void merge(Aggregator&& other) override {
    const auto& mean = dynamic_cast<const Mean&>(other);
    aggregate::merge(mean.sum_, sum_);
    weight_ += mean.weight_;
  }

  void report(std::span<double> aggregated) override { divide(sum_, weight_, aggregated); }

  void reset(const Grid& grid, std::size_t coordinates) override {
    grid_ = grid;
    sum_.assign(coordinates, 0.0);
    weight_ = 0;
  }

 private:
  Grid grid_;
  tensor::Doubles sum_;
  double weight_ = 0;  // a sum on the weights' grid: exact too
};

}  // namespace

std::unique_ptr<Aggregator> make_mean(const Grid& grid, std::size_t coordinates) {
  return std::make_unique<Mean>(grid, coordinates);
}

std::size_t bytes_mean(std::size_t coordinates, std::size_t) {
  return coordinates * sizeof(double);
}

}  // namespace fed::aggregate
