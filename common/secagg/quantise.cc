#include "secagg/quantise.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "secagg/stream.h"

namespace fed::secagg {
namespace {

constexpr std::uint64_t kExactMax = std::uint64_t{1} << 52;
constexpr std::uint64_t kHeadRoomMax = std::uint64_t{1} << 62;

// The l2 norm, in four lanes of doubles: floats alone lose what large vectors add up to.
double norm_of(std::span<const float> values) {
  std::array<double, 4> lanes{};
  std::size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) {
      const double value = values[i + lane];
      lanes[lane] += value * value;
    }
  }
  for (; i < values.size(); ++i) lanes[0] += double{values[i]} * values[i];
  return std::sqrt((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
}

bool positive(double value) { return std::isfinite(value) && value > 0; }

std::uint64_t element_max(const Quantisation& how) {
  return std::uint64_t{how.steps} * how.weight_max;
}

}  // namespace

Status check(const Quantisation& how) {
  if (!positive(how.clip_norm) || !positive(how.coordinate_max) || how.steps == 0 ||
      how.weight_max == 0 || how.clients_max == 0) {
    return Error{ErrorCode::invalid,
                 "norm, steps, weights and clients of a quantisation are "
                 "positive and finite"};
  }
  if (element_max(how) > kExactMax) {
    return Error{ErrorCode::invalid,
                 "steps times the largest weight is above 2^52: take fewer "
                 "steps or limit the weight"};
  }
  if (how.head_room > kHeadRoomMax ||
      element_max(how) > ((~std::uint64_t{0} >> 1) - how.head_room) / how.clients_max) {
    return Error{ErrorCode::invalid,
                 "the sum would not fit into 64 bits: take fewer steps, limit the weight, or add "
                 "less noise"};
  }
  return {};
}

unsigned modulus_bits_for(const Quantisation& how) {
  return static_cast<unsigned>(std::bit_width(element_max(how) * how.clients_max + how.head_room)) +
         1;
}

Result<Words> quantise(std::span<const float> values, std::uint32_t weight, const Quantisation& how,
                       crypto::KeyView seed) {
  FED_CHECK(check(how).has_value());
  if (weight < 1 || weight > how.weight_max) {
    return Error{ErrorCode::invalid, "a weight is between 1 and the largest one agreed"};
  }
  const double norm = norm_of(values);
  if (!std::isfinite(norm))
    return Error{ErrorCode::invalid, "an update has a value that is not finite"};
  const double shrink = norm > how.clip_norm ? how.clip_norm / norm : 1;
  const double scale = shrink * weight * how.steps / how.coordinate_max;
  const double limit = 1.0 * weight * how.steps;

  Words words = zero_words(modulus_bits_for(how), values.size() + 1);
  Stream chance(seed);
  std::visit(
      [&](auto& elements) {
        using Word = typename std::remove_reference_t<decltype(elements)>::value_type;
        for (std::size_t i = 0; i < values.size(); ++i) {
          const double exact = std::clamp(values[i] * scale, -limit, limit);
          elements[i] = static_cast<Word>(static_cast<std::int64_t>(chance.round(exact)));
        }
        elements.back() = static_cast<Word>(weight);
      },
      words);
  return words;
}

WeightedSum dequantise(const Words& sum, const Quantisation& how) {
  const unsigned bits = modulus_bits_for(how);
  const double step = how.coordinate_max / how.steps;
  // Moved up so that bit b - 1 is the sign, and down again with copies of it.
  const unsigned spare = 64 - bits;
  WeightedSum result;
  std::visit(
      [&](const auto& elements) {
        FED_CHECK(!elements.empty());
        result.values.reserve(elements.size() - 1);
        for (std::size_t i = 0; i + 1 < elements.size(); ++i) {
          const auto number =
              static_cast<std::int64_t>(std::uint64_t{elements[i]} << spare) >> spare;
          result.values.push_back(static_cast<double>(number) * step);
        }
        result.weight = elements.back() & modulus_mask(bits);
      },
      sum);
  return result;
}

std::vector<float> mean_of(const WeightedSum& sum) {
  std::vector<float> mean(sum.values.size());
  if (sum.weight == 0) return mean;
  const auto weight = static_cast<double>(sum.weight);
  for (std::size_t i = 0; i < mean.size(); ++i) {
    mean[i] = static_cast<float>(sum.values[i] / weight);
  }
  return mean;
}

}  // namespace fed::secagg
