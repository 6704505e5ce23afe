// Sums of integers, with and without masks, as the job's section "quantisation" describes them:
// each update unpacked bit by bit, added up in whole numbers that cannot wrap, and only then
// decoded.
#include <algorithm>
#include <cmath>
#include <set>

#include "reference.h"
#include "secagg/stream.h"
#include "secagg/terms.h"

namespace fed::sim {
namespace {

__extension__ using Whole = __int128;

constexpr std::size_t kMeasures = 6;
constexpr double kBeyondOnceIn = 1e-6;  // vectors, for a rotated coordinate that is cut off
constexpr double kMeasureUnit = 0x1p-16;

struct Shape {
  std::size_t coordinates = 0, kept = 0, rounded = 0;
  unsigned bits = 0;
  std::size_t digits = 0;  // of a measure
  double step = 0;

  std::size_t length() const { return rounded + 1 + kMeasures * (1 + digits); }
};

Shape shape_of(const config::JobSpec& job, std::size_t coordinates) {
  const config::QuantisationSpec& how = *job.quantisation;
  Shape shape{.coordinates = coordinates};
  shape.kept = std::clamp<std::size_t>(
      static_cast<std::size_t>(std::ceil(how.kept * static_cast<double>(coordinates))), 1,
      coordinates);
  shape.rounded = shape.kept;
  double most = how.clipping_norm;
  if (how.rotation) {
    shape.rounded = 1;
    while (shape.rounded < shape.kept) shape.rounded *= 2;
    const auto size = static_cast<double>(shape.rounded);
    most *= std::min(1.0, std::sqrt(2 * std::log(2 * size / kBeyondOnceIn) / size));
  }
  shape.step = most / static_cast<double>(how.steps);
  const Whole largest = static_cast<Whole>(how.steps) * how.weight_max * job.rounds.cohort;
  for (shape.bits = 1; (Whole{1} << (shape.bits - 1)) <= largest;) ++shape.bits;
  for (std::int64_t left = std::int64_t{1} << 47; left > 0; left /= how.steps) ++shape.digits;
  return shape;
}

bool bit(const Bytes& bytes, std::size_t at) { return ((bytes[at / 8] >> (at % 8)) & 1) != 0; }

// The number from bit `at` on, its highest bit being its sign.
std::int64_t element(const Bytes& packed, std::size_t at, unsigned bits) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bits; ++i) {
    if (bit(packed, at + i)) value |= std::uint64_t{1} << i;
  }
  if (bits < 64 && bit(packed, at + bits - 1)) value |= ~std::uint64_t{0} << bits;
  return static_cast<std::int64_t>(value);
}

// What is left of `exact` modulo 2^bits, with a sign.
std::int64_t wrapped(Whole exact, unsigned bits, bool& wraps) {
  const Whole modulus = Whole{1} << bits;
  Whole rest = exact % modulus;
  if (rest >= modulus / 2) rest -= modulus;
  if (rest < -(modulus / 2)) rest += modulus;
  wraps = wraps || rest != exact;
  return static_cast<std::int64_t>(rest);
}

std::vector<std::int64_t> add_up(const Shape& shape, const std::vector<const Bytes*>& updates,
                                 bool& wraps) {
  std::vector<std::int64_t> sum(shape.length());
  for (std::size_t i = 0; i < sum.size(); ++i) {
    Whole exact = 0;
    for (const Bytes* update : updates) exact += element(*update, i * shape.bits, shape.bits);
    sum[i] = wrapped(exact, shape.bits, wraps);
  }
  return sum;
}

crypto::Hash seed_from(const config::JobSpec& job, std::int64_t base_version,
                       std::string_view purpose) {
  const crypto::Hash seed = secagg::Transcript("fed job updates")
                                .add(job.name)
                                .add_number(static_cast<std::uint64_t>(job.rounds.seed))
                                .add_number(static_cast<std::uint64_t>(base_version))
                                .finish();
  return secagg::Transcript(purpose).add(seed).finish();
}

// H x by its definition in halves: (H a + H b, H a - H b).
void transform(std::span<double> values) {
  if (values.size() == 1) return;
  const std::size_t half = values.size() / 2;
  transform(values.first(half));
  transform(values.last(half));
  for (std::size_t i = 0; i < half; ++i) {
    const double a = values[i], b = values[half + i];
    values[i] = a + b;
    values[half + i] = a - b;
  }
}

void rotate_back(std::vector<double>& values, const crypto::Hash& seed) {
  transform(values);
  const double factor = 1 / std::sqrt(static_cast<double>(values.size()));
  secagg::Stream stream{crypto::KeyView(seed)};
  std::uint64_t signs = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    signs = i % 64 == 0 ? stream.next() : signs >> 1;
    values[i] *= (signs & 1) != 0 ? -factor : factor;
  }
}

// Floyd's draw of `kept` of the coordinates (Bentley and Floyd 1987).
std::set<std::uint64_t> support(const Shape& shape, const crypto::Hash& seed) {
  secagg::Stream stream{crypto::KeyView(seed)};
  std::set<std::uint64_t> chosen;
  for (std::size_t most = shape.coordinates - shape.kept; most < shape.coordinates; ++most) {
    const std::uint64_t drawn = stream.below(most + 1);
    chosen.insert(chosen.contains(drawn) ? most : drawn);
  }
  return chosen;
}

std::vector<double> spread(const Shape& shape, const std::vector<double>& values,
                           const crypto::Hash& seed) {
  const double scale = static_cast<double>(shape.coordinates) / static_cast<double>(shape.kept);
  std::vector<double> all(shape.coordinates);
  std::size_t next = 0;
  for (const std::uint64_t at : support(shape, seed)) all[at] = values[next++] * scale;
  return all;
}

// The first measure: the losses, each times its weight in units of 2^-16, in digits.
void read_loss(const config::JobSpec& job, const Shape& shape, const std::int64_t* measure,
               ReferenceSum& result) {
  result.loss_weight = static_cast<double>(measure[0]);
  if (measure[0] < 1) return;
  Whole total = 0, unit = 1;
  for (std::size_t digit = 1; digit <= shape.digits; ++digit, unit *= job.quantisation->steps) {
    total += unit * measure[digit];
  }
  result.loss = static_cast<double>(total) / result.loss_weight * kMeasureUnit;
}

}  // namespace

ReferenceSum reference_sum(const config::JobSpec& job, std::int64_t base_version,
                           std::size_t coordinates, const std::vector<const Bytes*>& updates) {
  const Shape shape = shape_of(job, coordinates);
  ReferenceSum result;
  const std::vector<std::int64_t> sum = add_up(shape, updates, result.wraps);
  result.weight = static_cast<double>(sum[shape.rounded]);
  std::vector<double> values(shape.rounded);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<double>(sum[i]) * shape.step;
  if (job.quantisation->rotation) {
    rotate_back(values, seed_from(job, base_version, "fed secagg rotation"));
    values.resize(shape.kept);
  }
  if (job.quantisation->kept < 1)
    values = spread(shape, values, seed_from(job, base_version, "fed secagg support"));
  for (const double value : values)
    result.means.push_back(static_cast<double>(static_cast<float>(value / result.weight)));
  read_loss(job, shape, &sum[shape.rounded + 1], result);
  return result;
}

}  // namespace fed::sim
