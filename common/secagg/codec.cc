#include "secagg/codec.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "secagg/rotation.h"
#include "secagg/stream.h"
#include "secagg/terms.h"

namespace fed::secagg {
namespace {

// A rotated coordinate is beyond its bound, and cut off, once in so many vectors.
constexpr double kCutOff = 1e-6;
constexpr double kMeasureStep = 0x1p-16;
constexpr double kMeasureMax = 0x1p31;
constexpr std::int64_t kMeasureSteps = std::int64_t{1} << 47;  // from 0 to the largest value

crypto::Hash seed_for(std::string_view purpose, const crypto::Hash& seed) {
  return Transcript(purpose).add(seed).finish();
}

crypto::KeyView as_key(const crypto::Hash& seed) { return crypto::KeyView(seed); }

// The number that the low b bits stand for, with a sign.
double signed_value(std::uint64_t word, unsigned bits) {
  const unsigned spare = 64 - bits;
  return static_cast<double>(static_cast<std::int64_t>(word << spare) >> spare);
}

}  // namespace

std::uint64_t Codec::kept() const {
  const double exact = std::ceil(shape_.kept * static_cast<double>(shape_.coordinates));
  return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, shape_.coordinates);
}

std::uint64_t Codec::rounded() const { return shape_.rotated ? rotated_length(kept()) : kept(); }

double Codec::spread() const {
  return shape_.rotated ? rotated_coordinate_max(kept(), kCutOff) : 1;
}

std::uint64_t Codec::length() const {
  return rounded() + counted() + 1 + words_of_measure() * shape_.measures;
}

// The weight, and as many digits as the largest value has.
std::size_t Codec::words_of_measure() const {
  std::size_t words = 1;
  for (std::int64_t left = kMeasureSteps; left > 0; left /= shape_.steps) ++words;
  return words;
}

std::vector<std::uint64_t> Codec::support() const {
  return random_support(shape_.coordinates, kept(),
                        as_key(seed_for("fed secagg support", shape_.seed)));
}

Result<Codec> Codec::make(CodecShape shape) {
  if (shape.coordinates == 0 || !(shape.kept > 0 && shape.kept <= 1)) {
    return Error{ErrorCode::invalid, "a codec keeps a share of at least one coordinate"};
  }
  if (shape.steps < 2) return Error{ErrorCode::invalid, "a grid has at least two steps"};
  Codec codec(std::move(shape), {});
  const CodecShape& of = codec.shape_;
  codec.how_ = {.clip_norm = of.clip_norm,
                .coordinate_max = of.clip_norm * codec.spread(),
                .steps = of.steps,
                .weight_max = of.weight_max,
                .clients_max = of.clients_max,
                .head_room = of.head_room};
  FED_TRY(check(codec.how_));
  return codec;
}

Result<std::vector<float>> Codec::prepare(std::span<const float> update) const {
  FED_CHECK(update.size() == shape_.coordinates);
  std::vector<float> chosen;
  if (shape_.kept < 1) {
    chosen = gather(update, support());
    update = chosen;
  }
  const bool finite =
      std::all_of(update.begin(), update.end(), [](float value) { return std::isfinite(value); });
  if (!finite) return Error{ErrorCode::invalid, "an update has a value that is not finite"};
  // The rotation keeps the norm but would spread what is not finite.
  if (shape_.rotated) return rotate(update, as_key(seed_for("fed secagg rotation", shape_.seed)));
  if (shape_.kept == 1) chosen.assign(update.begin(), update.end());
  return chosen;
}

Words Codec::assemble(std::span<const std::int64_t> rounded) const {
  FED_CHECK(rounded.size() == this->rounded() + counted() && shape_.measures == 0);
  Words words = zero_words(modulus_bits(), length());
  std::visit(
      [&](auto& elements) {
        using Word = typename std::remove_reference_t<decltype(elements)>::value_type;
        for (std::size_t i = 0; i < rounded.size(); ++i) {
          elements[i] = static_cast<Word>(rounded[i]);
        }
        elements.back() = 1;
      },
      words);
  return words;
}

Result<Words> Codec::encode(std::span<const float> update, std::uint32_t weight,
                            std::span<const Measure> measures, crypto::KeyView secret) const {
  FED_CHECK(update.size() == shape_.coordinates && measures.size() == shape_.measures);
  FED_CHECK(!shape_.counts);
  std::vector<float> prepared;
  if (shape_.kept < 1 || shape_.rotated) {
    FED_ASSIGN(made, prepare(update));
    prepared = std::move(made);
    update = prepared;
  }
  FED_ASSIGN(words, quantise(update, weight, how_, secret));
  const auto add = [&words](std::int64_t number) {
    std::visit(
        [number](auto& elements) {
          using Word = typename std::remove_reference_t<decltype(elements)>::value_type;
          elements.push_back(static_cast<Word>(number));
        },
        words);
  };
  for (const Measure& measure : measures) {
    if (measure.weight > shape_.weight_max || !std::isfinite(measure.value)) {
      return Error{ErrorCode::invalid, "a measure is not finite or weighs too much"};
    }
    add(measure.weight);
    std::int64_t left =
        std::llround(std::clamp(measure.value, -kMeasureMax, kMeasureMax) / kMeasureStep);
    for (std::size_t digit = 1; digit < words_of_measure(); ++digit) {
      add(left % shape_.steps * measure.weight);
      left /= shape_.steps;
    }
  }
  return words;
}

Codec::Mean Codec::decode(Words sum) const {
  FED_CHECK(length_of(sum) == length());
  Mean mean;
  const unsigned bits = modulus_bits();
  // From the sums of the weights and of the digits, the lowest first.
  const auto mean_measure = [&](const auto& elements) -> Measure {
    const double weight = signed_value(elements[0], bits);
    if (!(weight >= 1 && weight <= std::numeric_limits<std::uint32_t>::max())) return {};
    double total = 0;
    for (std::size_t digit = elements.size() - 1; digit > 0; --digit) {
      total = total * shape_.steps + signed_value(elements[digit], bits);
    }
    return {total / weight * kMeasureStep, static_cast<std::uint32_t>(weight)};
  };
  std::visit(
      [&](auto& elements) {
        const std::size_t words = words_of_measure();
        const std::size_t first = elements.size() - words * shape_.measures;
        for (std::size_t at = first; at < elements.size(); at += words) {
          mean.measures.push_back(mean_measure(std::span(elements).subspan(at, words)));
        }
        elements.resize(first);
        if (!shape_.counts) return;
        const auto count = elements.begin() + static_cast<std::ptrdiff_t>(rounded());
        mean.count = signed_value(*count, bits);
        elements.erase(count);
      },
      sum);
  WeightedSum weighted = dequantise(sum, how_);
  if (shape_.rotated) {
    weighted.values =
        rotate_back(weighted.values, kept(), as_key(seed_for("fed secagg rotation", shape_.seed)));
  }
  if (shape_.kept < 1) weighted.values = scatter(weighted.values, support(), shape_.coordinates);
  mean.weight = weighted.weight;
  mean.update = mean_of(weighted);
  return mean;
}

}  // namespace fed::secagg
