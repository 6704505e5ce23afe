// A round's closing over real files: the right values, the same bits however it is done, and
// nothing at all on errors.
#include "aggregate/fold.h"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <deque>
#include <limits>

#include "base/random.h"
#include "support/folder.h"

namespace {

using fed::ErrorCode;
using fed::File;
using fed::Random;
using fed::Result;
using fed::aggregate::Contribution;
using fed::aggregate::fold;
using fed::aggregate::Folded;
using fed::aggregate::FoldInput;
using fed::aggregate::Grid;
using fed::aggregate::kTile;
using fed::aggregate::OptimizerState;
using fed::aggregate::PartialFold;
using fed::aggregate::run_in_order;
using fed::aggregate::TilePool;
using fed::config::OptimizerSpec;
using fed::tensor::Floats;
namespace fs = std::filesystem;

constexpr std::size_t kCoordinates = 2 * kTile + 37;

File write_update(const fs::path& path, const Floats& update) {
  File file = File::open_to_write(path).value();
  file.write_at(0, fed::as_bytes(std::span<const float>(update))).value();
  return file;
}

// A round with its files.
struct Round {
  fed::test::Folder folder;
  std::vector<Floats> updates;
  std::deque<File> files;
  std::vector<Contribution> contributions;
  std::unique_ptr<const fed::aggregate::ServerOptimizer> optimizer;
  OptimizerState state;
  Floats weights;
  FoldInput input;

  explicit Round(const OptimizerSpec& spec, std::size_t clients = 19) {
    Random random(11);
    double total = 100;  // of clients that did not contribute
    for (std::size_t c = 0; c < clients; ++c) {
      Floats& update = updates.emplace_back(kCoordinates);
      for (float& x : update) x = static_cast<float>(random.normal());
      std::fill_n(update.begin(), 10, 0.0F);  // here the moments decay
      update[10 + c] = 1e-42F;                // a denormal
      files.push_back(write_update(folder / std::to_string(c), update));
      contributions.push_back({&files.back(), static_cast<double>(1 + random.below(500))});
      total += contributions.back().weight;
    }
    optimizer = std::move(fed::aggregate::make_server_optimizer(spec)).value();
    state = optimizer->initial(kCoordinates);
    // Moments that are about to become denormal.
    for (float& m : state.m) m = 1.2e-38F;
    weights.resize(kCoordinates);
    for (float& x : weights) x = static_cast<float>(random.normal());
    input.weights = weights;
    input.state = &state;
    input.contributions = contributions;
    input.grid = Grid::make(total, 64).value();
    input.rule = fed::aggregate::find_rule("mean").value();
    input.optimizer = optimizer.get();
  }

  long double true_mean(std::size_t i) const {
    long double sum = 0, weight = 0;
    for (std::size_t c = 0; c < updates.size(); ++c) {
      sum += static_cast<long double>(contributions[c].weight) *
             static_cast<long double>(updates[c][i]);
      weight += static_cast<long double>(contributions[c].weight);
    }
    return sum / weight;
  }
};

const OptimizerSpec kFedAvg{.type = "sgd", .learning_rate = 1.0};
const OptimizerSpec kYogi{.type = "yogi", .learning_rate = 0.01, .epsilon = 1e-3};

bool same(const Floats& a, const Floats& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
           return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
         });
}

bool same(const Folded& a, const Folded& b) {
  return same(a.weights, b.weights) && same(a.state.m, b.state.m) && same(a.state.v, b.state.v) &&
         a.total_weight == b.total_weight;
}

}  // namespace

TEST_CASE("fold: FedAvg is the weighted mean added to the weights, to a float's last bit") {
  Round round(kFedAvg);
  const Folded folded = fold(round.input, run_in_order).value();
  for (std::size_t i = 0; i < kCoordinates; ++i) {
    const long double expected = static_cast<long double>(round.weights[i]) + round.true_mean(i);
    const float nearest = static_cast<float>(expected);
    REQUIRE(std::abs(folded.weights[i] - nearest) <=
            std::abs(nearest) * std::numeric_limits<float>::epsilon());
  }
  double weight = 0;
  for (const Contribution& contribution : round.contributions) weight += contribution.weight;
  CHECK(folded.total_weight == weight);
}

TEST_CASE("fold: three rounds of every server optimizer follow the equations") {
  for (const std::string_view name : fed::aggregate::server_optimizer_names()) {
    INFO(name);
    const long double eta = 0.1L, momentum = 0.5L, beta1 = 0.9L, beta2 = 0.99L, tau = 0.125L;
    Round round({.type = std::string(name),
                 .learning_rate = 0.1,
                 .momentum = 0.5,
                 .beta1 = 0.9,
                 .beta2 = 0.99,
                 .epsilon = 0.125},
                5);
    round.state = round.optimizer->initial(kCoordinates);
    const Floats start = round.weights;
    for (int repeat = 0; repeat < 3; ++repeat) {
      Folded folded = fold(round.input, run_in_order).value();
      std::swap(round.weights, folded.weights);
      std::swap(round.state, folded.state);
      round.input.weights = round.weights;
    }
    for (std::size_t i = 0; i < kCoordinates; i += 61) {
      const long double delta = round.true_mean(i), square = delta * delta;
      long double x = static_cast<long double>(start[i]), m = 0, v = tau * tau;
      for (int repeat = 0; repeat < 3; ++repeat) {
        m = name == "sgd" ? momentum * m + delta : beta1 * m + (1 - beta1) * delta;
        if (name == "adagrad") v += square;
        if (name == "adam") v = beta2 * v + (1 - beta2) * square;
        if (name == "yogi") v += (1 - beta2) * square * (square > v ? 1 : -1);
        x += eta * m / (name == "sgd" ? 1 : std::sqrt(v) + tau);
      }
      REQUIRE(round.weights[i] == Approx(static_cast<double>(x)).epsilon(1e-6).margin(1e-7));
    }
  }
}

TEST_CASE("fold: stale updates divide by what they would weigh if they were not (FedBuff)") {
  Round round(kFedAvg, 5);
  const double stale[] = {1, 0.5, 0.25, 1, 0.125};
  long double plain = 0, discounted = 0;
  for (std::size_t c = 0; c < 5; ++c) {
    plain += static_cast<long double>(round.contributions[c].weight);
    round.contributions[c].weight *= stale[c];
    discounted += static_cast<long double>(round.contributions[c].weight);
  }
  round.input.discount = static_cast<double>(discounted / plain);
  const Folded folded = fold(round.input, run_in_order).value();
  for (std::size_t i = 0; i < kCoordinates; i += 7) {
    long double sum = 0;
    for (std::size_t c = 0; c < 5; ++c) {
      sum += static_cast<long double>(round.contributions[c].weight) *
             static_cast<long double>(round.updates[c][i]);
    }
    const auto expected =
        static_cast<double>(static_cast<long double>(round.weights[i]) + sum / plain);
    REQUIRE(folded.weights[i] == Approx(expected).epsilon(1e-6).margin(1e-6));
  }
}

TEST_CASE("fold: the step from a known mean is that of the updates, stale or not") {
  for (const OptimizerSpec& spec : {kFedAvg, kYogi}) {
    for (const double discount : {1.0, 0.5}) {
      Round round(spec, 1);
      round.input.discount = discount;
      const Folded expected = fold(round.input, run_in_order).value();
      const Folded known = fed::aggregate::apply({.weights = round.weights,
                                                  .state = &round.state,
                                                  .mean = round.updates[0],
                                                  .optimizer = round.optimizer.get(),
                                                  .discount = discount,
                                                  .total_weight = expected.total_weight},
                                                 run_in_order)
                               .value();
      for (std::size_t i = 0; i < kCoordinates; i += 7) {
        REQUIRE(known.weights[i] == Approx(expected.weights[i]).epsilon(1e-5).margin(1e-6));
      }
    }
  }
}

TEST_CASE("fold: trained weights are mixed into the weights (FedAsync)") {
  Round round({.type = "sgd", .learning_rate = 0.6}, 1);
  round.input.update = fed::config::TrainingSpec::Update::weights;
  round.input.discount = 0.5;  // alpha_t = 0.6 s(t - tau)
  const Folded folded = fold(round.input, run_in_order).value();
  for (std::size_t i = 0; i < kCoordinates; i += 7) {
    const double expected = 0.7 * static_cast<double>(round.weights[i]) +
                            0.3 * static_cast<double>(round.updates[0][i]);
    REQUIRE(folded.weights[i] == Approx(expected).epsilon(1e-6).margin(1e-6));
  }
}

TEST_CASE("fold: a gradient is the opposite of a delta") {
  Round round(kFedAvg);
  std::fill(round.weights.begin(), round.weights.end(), 0.0F);
  const Folded delta = fold(round.input, run_in_order).value();
  round.input.update = fed::config::TrainingSpec::Update::gradient;
  const Folded gradient = fold(round.input, run_in_order).value();
  for (std::size_t i = 0; i < kCoordinates; ++i) {
    REQUIRE(gradient.weights[i] == -delta.weights[i]);
  }
}

TEST_CASE("fold: the same bits in any order, on any number of threads") {
  for (const OptimizerSpec& spec : {kFedAvg, kYogi}) {
    Round round(spec);
    const Folded expected = fold(round.input, run_in_order).value();
    Random random(12);
    for (unsigned threads = 1; threads <= 8; ++threads) {
      TilePool pool(threads);
      random.shuffle(std::span(round.contributions));
      REQUIRE(same(fold(round.input, pool.parallel_for()).value(), expected));
    }
    // Tiles backwards, on a thread that does not flush denormals.
    const auto backwards = [](std::size_t count, const std::function<void(std::size_t)>& fn) {
      while (count > 0) fn(--count);
    };
    REQUIRE(same(fold(round.input, backwards).value(), expected));
  }
}

TEST_CASE("fold: the same bits, whatever was added up before the round was closed") {
  for (const OptimizerSpec& spec : {kFedAvg, kYogi}) {
    Round round(spec);
    const Folded whole = fold(round.input, run_in_order).value();
    TilePool pool(3);
    PartialFold begun(*round.input.rule, kCoordinates);
    const Grid coarse = Grid::make(round.input.grid.total_weight() * 4096, 64).value();
    const std::span all(round.contributions);
    for (const std::size_t early : {1, 8, 11, 19}) {
      CAPTURE(spec.type, early);
      begun.begin(coarse);  // of an attempt that came to nothing
      begun.add(all.first(5), pool.parallel_for()).value();
      begun.begin(round.input.grid);
      CHECK(begun.weight() == 0);
      for (std::size_t i = 0; i < early; i += 8) {
        begun.add(all.subspan(i, std::min<std::size_t>(8, early - i)), pool.parallel_for()).value();
      }
      FoldInput input = round.input;
      input.contributions = all.subspan(early);
      input.begun = &begun;
      CHECK(same(fold(input, pool.parallel_for()).value(), whole));
    }
  }
}

TEST_CASE("fold: noise is added to the exact sum, wherever the updates were added up") {
  Round round(kFedAvg);
  const double spacing = std::ldexp(1.0, -20);
  round.input.grid = round.input.grid.coarser(spacing);
  // Tells the tile by its size, as the last one is shorter.
  const fed::aggregate::Noise noise = [&](std::span<double> tile) {
    for (std::size_t i = 0; i < tile.size(); ++i) {
      tile[i] = spacing * static_cast<double>((i * 7919 + tile.size()) % 100003) - spacing * 50000;
    }
  };
  const Folded plain = fold(round.input, run_in_order).value();
  round.input.noise = &noise;
  const Folded noised = fold(round.input, run_in_order).value();
  for (std::size_t i = 0; i < kCoordinates; i += 311) {
    std::vector<double> tile(std::min(kTile, kCoordinates - i / kTile * kTile));
    noise(tile);
    const double moved =
        static_cast<double>(noised.weights[i]) - static_cast<double>(plain.weights[i]);
    CHECK(moved == Approx(tile[i % kTile] / noised.total_weight).margin(1e-6));
  }
  CHECK_FALSE(same(noised, plain));
  PartialFold begun(*round.input.rule, kCoordinates);
  begun.begin(round.input.grid);
  begun.add(std::span(round.contributions).first(8), run_in_order).value();
  round.input.begun = &begun;
  round.input.contributions = std::span(round.contributions).subspan(8);
  TilePool pool(3);
  CHECK(same(fold(round.input, pool.parallel_for()).value(), noised));
}

TEST_CASE("fold: what was added up before counts towards the cohort's weight") {
  Round round(kFedAvg);
  PartialFold begun(*round.input.rule, kCoordinates);
  double half = 0;
  for (std::size_t i = 0; i < 10; ++i) half += round.contributions[i].weight;
  begun.begin(Grid::make(half, 64).value());
  begun.add(std::span(round.contributions).first(10), run_in_order).value();
  const auto more = begun.add(std::span(round.contributions).subspan(10, 1), run_in_order);
  REQUIRE(!more);
  CHECK(more.error().code == ErrorCode::invalid);
  round.input.grid = Grid::make(half, 64).value();
  round.input.contributions = std::span(round.contributions).subspan(10, 1);
  round.input.begun = &begun;
  CHECK(fold(round.input, run_in_order).error().code == ErrorCode::invalid);
}

TEST_CASE("fold: worn memory lends its room, and nothing that it holds") {
  for (const OptimizerSpec& spec : {kFedAvg, kYogi}) {
    Round round(spec);
    const Folded expected = fold(round.input, run_in_order).value();
    const Floats nothing(kCoordinates, std::numeric_limits<float>::quiet_NaN());
    Folded worn{.weights = nothing, .state = {.m = nothing, .v = nothing}};
    const float* const room = worn.weights.data();
    const Folded folded = fold(round.input, run_in_order, std::move(worn)).value();
    CHECK(folded.weights.data() == room);
    CHECK(same(folded, expected));
    // Of another model: its room does not fit.
    Folded other{.weights = Floats(kCoordinates + 1, 1.0F)};
    CHECK(same(fold(round.input, run_in_order, std::move(other)).value(), expected));
  }
}

TEST_CASE("fold: a thread's treatment of denormals is its own again afterwards") {
  Round round(kFedAvg, 1);
  fold(round.input, run_in_order).value();
  volatile float tiny = 1e-40F;
  CHECK(tiny * 0.5F != 0.0F);
}

TEST_CASE("fold: what is given stays as it is, also on success") {
  Round round(kYogi);
  const Floats weights = round.weights;
  const OptimizerState state = round.state;
  fold(round.input, run_in_order).value();
  CHECK(same(round.weights, weights));
  CHECK((same(round.state.m, state.m) && same(round.state.v, state.v)));
}

TEST_CASE("fold: bad contributions are an error that names the file") {
  Round round(kYogi);
  TilePool pool(2);
  const auto error = [&] {
    const auto result = fold(round.input, pool.parallel_for());
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().detail.find(round.files[4].path().string()) != std::string::npos);
    return result.error().code;
  };
  const std::size_t bytes = kCoordinates * sizeof(float);

  SECTION("too short, too long") {
    round.files[4].truncate(bytes - 4).value();
    CHECK(error() == ErrorCode::mismatch);
    round.files[4].truncate(bytes + 1).value();
    CHECK(error() == ErrorCode::mismatch);
  }
  SECTION("a coordinate beyond the limit, infinite, not a number; at the limit is fine") {
    const std::uint64_t at = (kTile + 5) * sizeof(float);
    const auto put = [&](float value) {
      round.files[4].write_at(at, fed::as_bytes(std::span<const float>(&value, 1))).value();
    };
    for (const float bad : {64.001F, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
      put(bad);
      CHECK(error() == ErrorCode::invalid);
    }
    put(-64.0F);
    CHECK(fold(round.input, pool.parallel_for()).has_value());
  }
  SECTION("a file that cannot be read") {
    round.files[4] =
        File(::open(round.files[4].path().c_str(), O_WRONLY | O_CLOEXEC), round.files[4].path());
    CHECK(error() == ErrorCode::io);
  }
  SECTION("a weight that is none") {
    for (const double bad : {0.0, -1.0, 1e-30, 1e9, std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity()}) {
      round.contributions[4].weight = bad;
      CHECK(error() == ErrorCode::invalid);
    }
  }
}

TEST_CASE(
    "fold: an empty round, weights beyond the cohort's, a state that does not fit, a step out of "
    "range") {
  SECTION("no contribution") {
    Round round(kFedAvg);
    round.input.contributions = {};
    CHECK(fold(round.input, run_in_order).error().code == ErrorCode::invalid);
  }
  SECTION("more than the cohort's weight") {
    Round round(kFedAvg, 2);
    round.input.grid =
        Grid::make(round.contributions[0].weight + round.contributions[1].weight - 1, 64).value();
    CHECK(fold(round.input, run_in_order).error().code == ErrorCode::invalid);
  }
  SECTION("state of another model") {
    Round round(kYogi, 2);
    round.state.v.pop_back();
    CHECK(fold(round.input, run_in_order).error().code == ErrorCode::mismatch);
  }
  SECTION("a learning rate that blows up") {
    Round round({.type = "sgd", .learning_rate = 1e39}, 2);
    const auto result = fold(round.input, run_in_order);
    CHECK(result.error().code == ErrorCode::invalid);
    CHECK(result.error().detail.find("learning rate") != std::string::npos);
  }
}

TEST_CASE("fold: memory grows with threads, not with clients") {
  const auto& mean = *fed::aggregate::find_rule("mean").value();
  const std::uint64_t model = 1000000;
  const auto bytes = [&](std::uint64_t clients, unsigned threads) {
    return fed::aggregate::fold_bytes(mean, {.m = true, .v = true}, model, clients, threads);
  };
  CHECK(bytes(10, 1) == bytes(100000, 1));
  CHECK(bytes(10, 1) >= 3 * model * sizeof(float));
  CHECK(bytes(10, 8) - bytes(10, 1) < (std::uint64_t{8} << 20));
}
