// One client's part of a round as integers, and the round's result from their sum: the update, its
// weight, and the client's measures of the model (its loss on its test rows, say).
//
// Everything is linear and the same for all clients, so the sum is all that is needed, masked or
// not: with the same integers, a round with masks gives the same bits as one without. In order: of
// the update's d coordinates k are kept (random_support), they may be rotated (rotation.h), clipped
// and rounded (quantise.h). The elements of a vector are
//
//   d' rounded coordinates times the weight | the count, if any | the weight | for each measure:
//   weight, digits * weight
//
// A measure has a weight of its own (test rows), which may be 0 for a client that has none. Its
// value is rounded to a multiple of 2^-16 and cut off at 2^31, and written with digits of base
// `steps`, all of the value's sign, so that no digit is larger than a coordinate: the sum of the
// digits' multiples is that of the values', whatever they are.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "crypto/hash.h"
#include "secagg/quantise.h"

namespace fed::secagg {

// Agreed on by all clients of a round.
struct CodecShape {
  std::uint64_t coordinates = 0;  // d, of the model
  double clip_norm = 1;
  std::uint32_t steps = 2;  // at least 2
  std::uint32_t weight_max = 1;
  std::uint32_t clients_max = 1;  // in one sum
  bool rotated = false;
  double kept = 1;  // k / d, in (0, 1]
  std::size_t measures = 0;
  std::uint64_t head_room = 0;  // for noise in a sum, in steps of the grid (quantise.h)
  bool counts = false;          // one more integer behind the coordinates, for who assembles
  crypto::Hash seed{};          // of this round, public: which coordinates, which rotation
};

struct Measure {
  double value = 0;
  std::uint32_t weight = 0;  // at most weight_max; 0: the client has none
};

// Immutable; thread-safe.
class Codec {
 public:
  // ErrorCode::invalid as check(Quantisation) has it, or for `kept` or `steps` out of its range.
  static Result<Codec> make(CodecShape shape);

  unsigned modulus_bits() const { return modulus_bits_for(how_); }
  std::uint64_t length() const;   // elements of a vector
  std::uint64_t rounded() const;  // d'
  std::uint64_t counted() const { return shape_.counts ? 1 : 0; }
  double clip_norm() const { return shape_.clip_norm; }
  // Of a rounded coordinate, before it is rounded; in `steps` steps of the grid.
  double coordinate_max() const { return how_.coordinate_max; }
  std::uint32_t steps() const { return shape_.steps; }
  // The clipping norm in steps of the grid: the same whatever the norm.
  double clip_steps() const { return shape_.steps / spread(); }

  // `update` has all coordinates, `measures` all measures of the shape. `secret` is random, known
  // to nobody else and used once. ErrorCode::invalid for a value that is not finite or a weight
  // out of its range.
  Result<Words> encode(std::span<const float> update, std::uint32_t weight,
                       std::span<const Measure> measures, crypto::KeyView secret) const;

  // The two ends of encode, for who clips and rounds differently in between (coding/job_noise.h):
  // the d' coordinates to be rounded, neither clipped nor cut off; and the vector of an update
  // that was rounded to these (with a count, that behind them), of a weight of one and without
  // measures, of which the shape has none.
  Result<std::vector<float>> prepare(std::span<const float> update) const;
  Words assemble(std::span<const std::int64_t> rounded) const;

  struct Mean {
    std::vector<float> update;  // of all coordinates; zeros for a weight of zero
    std::uint64_t weight = 0;
    std::vector<Measure> measures;  // the means, and their weights (below 2^32)
    double count = 0;               // the sum, if the shape has one
  };
  // Of the sum, modulo 2^b, of up to clients_max vectors.
  Mean decode(Words sum) const;

 private:
  Codec(CodecShape shape, Quantisation how) : shape_(std::move(shape)), how_(how) {}
  std::uint64_t kept() const;
  double spread() const;  // coordinate_max / clip_norm
  std::vector<std::uint64_t> support() const;
  std::size_t words_of_measure() const;

  CodecShape shape_;
  Quantisation how_;
};

}  // namespace fed::secagg
