// The exact sum against a second implementation in 128-bit arithmetic, and against itself under
// every way to cut and order it.
#include "aggregate/exact_sum.h"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cfenv>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/random.h"
#include "tensor/kernels.h"
#include "tensor/vector.h"

namespace {

using fed::ErrorCode;
using fed::Random;
using fed::aggregate::Grid;
using fed::aggregate::Term;
using fed::tensor::Doubles;
using fed::tensor::Floats;
__extension__ typedef __int128 Integer;
__extension__ typedef __float128 Quad;

Grid grid_of(double total_weight, double limit) { return Grid::make(total_weight, limit).value(); }

// Half to even, on values below 2^100.
Integer nearest(Quad value) {
  auto whole = static_cast<Integer>(value);  // towards zero
  const Quad rest = value - static_cast<Quad>(whole);
  const Quad half = static_cast<Quad>(0.5);
  const bool odd = whole % 2 != 0;
  if (rest > half || (rest == half && odd)) ++whole;
  if (rest < -half || (rest == -half && odd)) --whole;
  return whole;
}

// The sum as the header defines it, in integers: every product to the nearest multiple of g, then
// added.
double integer_sum(const Grid& grid, const std::vector<Term>& terms, std::size_t i) {
  Integer sum = 0;
  for (const Term& term : terms) {
    const double product = term.weight * static_cast<double>(term.update[i]);
    sum += nearest(static_cast<Quad>(product) / static_cast<Quad>(grid.spacing()));
  }
  return static_cast<double>(static_cast<Quad>(sum) * static_cast<Quad>(grid.spacing()));
}

// The true sum of products; 113 bits leave nothing that matters out.
Quad true_sum(const std::vector<Term>& terms, std::size_t i) {
  Quad sum = 0;
  for (const Term& term : terms) {
    sum += static_cast<Quad>(term.weight) * static_cast<Quad>(term.update[i]);
  }
  return sum;
}

// Updates with their weights; owns what its terms view.
struct Case {
  std::vector<Floats> updates;
  std::vector<Term> terms;
  double total_weight = 0;

  void add(Floats update, double weight) {
    updates.push_back(std::move(update));
    total_weight += weight;
    terms.push_back({{}, weight});
    for (std::size_t i = 0; i < terms.size(); ++i) terms[i].update = updates[i];
  }
};

// Coordinates of every magnitude up to `limit`, some of them exactly at it, some denormal.
float any_coordinate(Random& random, double limit) {
  const auto u = static_cast<float>(limit);
  switch (random.below(8)) {
    case 0:
      return u;
    case 1:
      return -u;
    case 2:
      return 0.0F;
    case 3:
      return std::numeric_limits<float>::denorm_min() * static_cast<float>(random.below(99));
    default:
      break;
  }
  const double scale = std::ldexp(1.0, -static_cast<int>(random.below(60)));
  return static_cast<float>((2 * random.uniform() - 1) * limit * scale);
}

Case random_case(Random& random, std::size_t clients, std::size_t coordinates, double limit) {
  Case made;
  for (std::size_t c = 0; c < clients; ++c) {
    Floats update(coordinates);
    for (float& x : update) x = any_coordinate(random, limit);
    made.add(std::move(update), static_cast<double>(1 + random.below(5000)));
  }
  return made;
}

Doubles sum_of(const Grid& grid, std::span<const Term> terms, std::size_t coordinates) {
  Doubles sum(coordinates);
  fed::aggregate::accumulate(grid, terms, sum);
  return sum;
}

bool same_bits(std::span<const double> a, std::span<const double> b) {
  return std::ranges::equal(a, b, [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  });
}

}  // namespace

TEST_CASE("grid: coarser, every term is a multiple of the spacing, and finer changes nothing") {
  const Grid fine = Grid::make(1000, 64).value();
  const double spacing = std::ldexp(1.0, -17);
  const Grid coarse = fine.coarser(spacing);
  CHECK(coarse.spacing() == spacing);
  CHECK(coarse.total_weight() == 1000);
  CHECK(fine.coarser(fine.spacing() / 2).spacing() == fine.spacing());
  Random random(5);
  for (int i = 0; i < 1000; ++i) {
    const double x = (random.uniform() - 0.5) * 128000;
    const double rounded = coarse.round(x);
    CHECK(std::fmod(rounded, spacing) == 0);
    CHECK(std::fabs(rounded - x) <= spacing / 2);
  }
}

TEST_CASE("the sum equals the one in integers to the bit, and the true one within n g / 2") {
  Random random(1);
  for (const double limit : {64.0, 1.0, 0.1, 1e-6, 12345.678}) {
    for (const std::size_t clients : {1U, 2U, 3U, 8U, 9U, 31U}) {
      const std::size_t coordinates = 700;  // more than one stretch, and not a multiple of it
      const auto u = static_cast<double>(static_cast<float>(limit));
      const Case made = random_case(random, clients, coordinates, limit);
      const Grid grid = grid_of(made.total_weight, std::max(u, limit));
      const Doubles sum = sum_of(grid, made.terms, coordinates);
      const Quad bound = static_cast<Quad>(grid.spacing()) * static_cast<Quad>(clients) / 2;
      for (std::size_t i = 0; i < coordinates; ++i) {
        REQUIRE(sum[i] == integer_sum(grid, made.terms, i));
        const Quad error = static_cast<Quad>(sum[i]) - true_sum(made.terms, i);
        REQUIRE((error <= bound && error >= -bound));
      }
    }
  }
}

TEST_CASE("the grid is as fine as the header says") {
  // W U = 100 * 64 = 6400 <= 2^13.
  CHECK(grid_of(100, 64).spacing() == std::ldexp(1.0, 13 - 51));
  // W U = 2^12 exactly is its own power of two; just above it is the next.
  CHECK(grid_of(64, 64).spacing() == std::ldexp(1.0, 12 - 51));
  CHECK(grid_of(64, std::nextafter(64.0, 65.0)).spacing() == std::ldexp(1.0, 13 - 51));
}

TEST_CASE("order, blocks, partitions and merging leave every bit as it is") {
  Random random(2);
  const std::size_t coordinates = 1500;
  const Case made = random_case(random, 37, coordinates, 64);
  const Grid grid = grid_of(made.total_weight, 64);
  const Doubles whole = sum_of(grid, made.terms, coordinates);

  for (int trial = 0; trial < 20; ++trial) {
    std::vector<Term> terms = made.terms;
    random.shuffle(std::span(terms));
    std::vector<Doubles> partial(1 + random.below(6), Doubles(coordinates));
    for (std::size_t at = 0; at < terms.size();) {
      const std::size_t count = std::min<std::size_t>(1 + random.below(10), terms.size() - at);
      fed::aggregate::accumulate(grid, std::span(terms).subspan(at, count),
                                 partial[random.below(partial.size())]);
      at += count;
    }
    random.shuffle(std::span(partial));
    for (std::size_t p = 1; p < partial.size(); ++p) fed::aggregate::merge(partial[p], partial[0]);
    REQUIRE(same_bits(partial[0], whole));
  }
}

TEST_CASE("a plain sum of doubles depends on the order here, so the test above can fail") {
  Random random(2);
  const Case made = random_case(random, 37, 1500, 64);
  std::size_t different = 0;
  for (std::size_t i = 0; i < 1500; ++i) {
    double forward = 0, backward = 0;
    for (std::size_t c = 0; c < 37; ++c) {
      forward += made.terms[c].weight * static_cast<double>(made.terms[c].update[i]);
      backward += made.terms[36 - c].weight * static_cast<double>(made.terms[36 - c].update[i]);
    }
    different += forward != backward;
  }
  CHECK(different > 100);
}

TEST_CASE("a lone client of the whole weight reaches both ends of the range") {
  for (const double weight : {1.0, 3.0, 64.0, 1e6, std::ldexp(1.0, 100), std::ldexp(1.0, -40)}) {
    for (const float limit : {64.0F, 0.1F, 1.0F, 5e8F}) {
      const Grid grid = grid_of(weight, static_cast<double>(limit));
      const Floats ends = {limit, -limit, std::nextafter(limit, 0.0F),
                           -std::nextafter(limit, 0.0F)};
      const std::vector<Term> terms = {{ends, grid.round_weight(weight)}};
      const Doubles sum = sum_of(grid, terms, ends.size());
      for (std::size_t i = 0; i < ends.size(); ++i) {
        CHECK(sum[i] == integer_sum(grid, terms, i));
        CHECK(std::fmod(sum[i], grid.spacing()) == 0);
        CHECK(sum[i] == Approx(weight * static_cast<double>(ends[i])).epsilon(1e-14));
      }
      CHECK(sum[0] == -sum[1]);
    }
  }
}

TEST_CASE("everyone at the limit: the mean is the limit itself, whatever the order of signs") {
  Case made;
  for (int c = 0; c < 1000; ++c) made.add({64.0F, -64.0F, c % 2 == 0 ? 64.0F : -64.0F}, 1 << 20);
  const Grid grid = grid_of(made.total_weight, 64);
  Doubles mean = sum_of(grid, made.terms, 3);
  fed::aggregate::divide(mean, made.total_weight, mean);
  CHECK(mean == Doubles{64, -64, 0});
  CHECK_FALSE(std::signbit(mean[2]));
}

TEST_CASE("weights that are not whole: the total is exact, and so is the sum") {
  Random random(3);
  std::vector<double> weights(200);
  for (double& weight : weights)
    weight = 1000 * random.uniform() / std::sqrt(1.0 + random.uniform());
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const Grid grid = grid_of(total, 64);
  for (double& weight : weights) {
    const double rounded = grid.round_weight(weight);
    CHECK(std::abs(rounded - weight) <= std::ldexp(total, -51));
    weight = rounded;
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (int trial = 0; trial < 20; ++trial) {
    random.shuffle(std::span(weights));
    REQUIRE(std::accumulate(weights.begin(), weights.end(), 0.0) == sum);
  }
  // Whole numbers of examples are not touched.
  CHECK(grid_of(123457, 1).round_weight(12345) == 12345);
  CHECK(grid_of(std::ldexp(1.0, 51), 1).round_weight(1) == 1);
}

TEST_CASE("flushing denormals changes nothing, nor does minus zero leave a trace") {
  const float tiny = std::numeric_limits<float>::denorm_min();
  Case made;
  for (int c = 0; c < 5; ++c) made.add({tiny, -tiny, -0.0F, 1e-39F, 0.5F}, 1e6 + c);
  for (const double limit : {0.5, 64.0, std::ldexp(1.0, 64)}) {
    const Grid grid = grid_of(made.total_weight, limit);
    const Doubles plain = sum_of(grid, made.terms, 5);
    std::fenv_t before;
    std::fegetenv(&before);
    fed::tensor::flush_denormals();
    const Doubles flushed = sum_of(grid, made.terms, 5);
    std::fesetenv(&before);
    CHECK(same_bits(plain, flushed));
    CHECK(same_bits(std::span(plain).first(4), Doubles(4)));  // +0, not -0
  }
}

TEST_CASE("limits and weights that no grid serves are refused") {
  const double infinite = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double bad : {0.0, -1.0, infinite, nan, 1e300, 1e-300}) {
    CHECK(Grid::make(10, bad).error().code == ErrorCode::invalid);
    CHECK(Grid::make(bad, 10).error().code == ErrorCode::invalid);
  }
  CHECK(Grid::make(std::ldexp(1.0, 128), std::ldexp(1.0, 64)).has_value());
  CHECK(Grid::make(std::ldexp(1.0, -64), std::ldexp(1.0, -64)).has_value());
}

TEST_CASE("within finds one coordinate beyond the limit, wherever it is") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinite = std::numeric_limits<float>::infinity();
  Floats update(67, 64.0F);
  CHECK(fed::aggregate::within(update, 64));
  CHECK(fed::aggregate::within({}, 64));
  for (std::size_t i = 0; i < update.size(); ++i) {
    for (const float bad : {std::nextafter(64.0F, 65.0F), -65.0F, nan, infinite, -infinite}) {
      update[i] = bad;
      REQUIRE_FALSE(fed::aggregate::within(update, 64));
      update[i] = -64.0F;
    }
  }
}
