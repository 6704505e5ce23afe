// The server optimizers against values worked out by hand from the equations in Reddi et al. 2020,
// Algorithm 2.
#include "aggregate/server_optimizer.h"

#include <catch2/catch.hpp>
#include <limits>
#include <set>
#include <string>

namespace {

using fed::aggregate::make_server_optimizer;
using fed::aggregate::OptimizerState;
using fed::aggregate::ServerOptimizer;
using fed::config::OptimizerSpec;
using fed::tensor::Doubles;
using fed::tensor::Floats;

std::unique_ptr<const ServerOptimizer> make(const OptimizerSpec& spec) {
  return std::move(make_server_optimizer(spec)).value();
}

// One coordinate through several rounds.
struct Walk {
  std::unique_ptr<const ServerOptimizer> optimizer;
  OptimizerState state = optimizer->initial(1);
  Floats x = {0};

  void step(double delta) {
    const Doubles deltas = {delta};
    optimizer->step({.delta = deltas,
                     .x = x,
                     .m = state.m,
                     .v = state.v,
                     .x_next = x,
                     .m_next = state.m,
                     .v_next = state.v});
  }
  float m() const { return state.m[0]; }
  float v() const { return state.v[0]; }
};

}  // namespace

TEST_CASE("sgd with rate 1 and no momentum is FedAvg: the delta is added, nothing remembered") {
  Walk walk{make({.type = "sgd", .learning_rate = 1.0})};
  CHECK((walk.state.m.empty() && walk.state.v.empty()));
  walk.x = {2};
  walk.step(0.5);
  CHECK(walk.x[0] == 2.5F);
  walk.step(-3);
  CHECK(walk.x[0] == -0.5F);
}

TEST_CASE("sgd with momentum: m = 0.5 m + D, x = x + 0.25 m") {
  Walk walk{make({.type = "sgd", .learning_rate = 0.25, .momentum = 0.5})};
  walk.step(4);  // m = 4
  CHECK((walk.m() == 4.0F && walk.x[0] == 1.0F));
  walk.step(2);  // m = 2 + 2 = 4
  CHECK((walk.m() == 4.0F && walk.x[0] == 2.0F));
  walk.step(-10);  // m = 2 - 10 = -8
  CHECK((walk.m() == -8.0F && walk.x[0] == 0.0F));
  CHECK(walk.state.v.empty());
}

TEST_CASE("adagrad: tau 3, beta1 1/2, rate 2, along Pythagorean triples") {
  Walk walk{make({.type = "adagrad", .learning_rate = 2, .beta1 = 0.5, .epsilon = 3})};
  CHECK((walk.m() == 0.0F && walk.v() == 9.0F));  // v = tau^2
  walk.step(4);                                   // v = 9 + 16 = 25, m = 2; x = 2 * 2 / (5 + 3)
  CHECK((walk.v() == 25.0F && walk.m() == 2.0F && walk.x[0] == 0.5F));
  walk.step(12);  // v = 25 + 144 = 169, m = 1 + 6 = 7; x += 2 * 7 / (13 + 3)
  CHECK((walk.v() == 169.0F && walk.m() == 7.0F && walk.x[0] == 1.375F));
  walk.step(-84);  // v = 169 + 7056 = 7225 = 85^2, m = 3.5 - 42 = -38.5; x -= 2 * 38.5 / (85 + 3)
  CHECK((walk.v() == 7225.0F && walk.m() == -38.5F && walk.x[0] == 0.5F));
}

TEST_CASE("adam: tau 1, beta1 = beta2 = 1/2, rate 1, without bias correction") {
  Walk walk{make({.type = "adam", .learning_rate = 1, .beta1 = 0.5, .beta2 = 0.5, .epsilon = 1})};
  CHECK((walk.m() == 0.0F && walk.v() == 1.0F));
  walk.step(7);  // v = 0.5 + 24.5 = 25, m = 3.5; x = 3.5 / 6
  CHECK((walk.v() == 25.0F && walk.m() == 3.5F));
  CHECK(walk.x[0] == Approx(0.583333333).epsilon(1e-7));
  walk.step(35);  // v = 12.5 + 612.5 = 625, m = 1.75 + 17.5 = 19.25; x += 19.25 / 26 = 0.740384615
  CHECK((walk.v() == 625.0F && walk.m() == 19.25F));
  CHECK(walk.x[0] == Approx(1.323717949).epsilon(1e-7));
  walk.step(
      -25);  // v = 312.5 + 312.5 = 625, m = 9.625 - 12.5 = -2.875; x -= 2.875 / 26 = 0.110576923
  CHECK((walk.v() == 625.0F && walk.m() == -2.875F));
  CHECK(walk.x[0] == Approx(1.213141026).epsilon(1e-7));
}

TEST_CASE("yogi: tau 13, beta1 1/2, beta2 3/4, rate 1 and v falls, rises and stays") {
  Walk walk{make({.type = "yogi", .learning_rate = 1, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 13})};
  CHECK((walk.m() == 0.0F && walk.v() == 169.0F));
  walk.step(10);  // 100 < 169: v = 169 - 25 = 144, m = 5; x = 5 / (12 + 13)
  CHECK((walk.v() == 144.0F && walk.m() == 5.0F && walk.x[0] == 0.2F));
  walk.step(18);  // 324 > 144: v = 144 + 81 = 225, m = 2.5 + 9 = 11.5; x += 11.5 / 28 = 0.410714286
  CHECK((walk.v() == 225.0F && walk.m() == 11.5F));
  CHECK(walk.x[0] == Approx(0.610714286).epsilon(1e-7));
  walk.step(15);  // 225 = 225: v stays, m = 5.75 + 7.5 = 13.25; x += 13.25 / 28 = 0.473214286
  CHECK((walk.v() == 225.0F && walk.m() == 13.25F));
  CHECK(walk.x[0] == Approx(1.083928571).epsilon(1e-7));
}

TEST_CASE("every optimizer: starts from rest, computes each coordinate on its own") {
  std::set<std::string_view> names;
  for (const std::string_view name : fed::aggregate::server_optimizer_names()) {
    INFO(name);
    CHECK(names.insert(name).second);
    const OptimizerSpec spec{.type = std::string(name),
                             .learning_rate = 0.1,
                             .momentum = 0.9,
                             .beta2 = 0.99,
                             .epsilon = 1e-3};
    const auto optimizer = make(spec);
    const OptimizerState start = optimizer->initial(3);
    CHECK(start.m.size() == (optimizer->slots().m ? 3U : 0U));
    CHECK(start.v.size() == (optimizer->slots().v ? 3U : 0U));

    // No update leaves the weights where they are.
    const Floats x = {1, -2, 3};
    Floats next(3);
    OptimizerState after = start;
    const Doubles nothing(3), deltas = {0.5, -1e-30, 40};
    optimizer->step({nothing, x, start.m, start.v, next, after.m, after.v});
    CHECK(next == x);

    // Three coordinates at once give what each gives alone.
    optimizer->step({deltas, x, start.m, start.v, next, after.m, after.v});
    for (std::size_t i = 0; i < 3; ++i) {
      Walk walk{make(spec)};
      walk.x = {x[i]};
      walk.step(deltas[i]);
      CHECK(walk.x[0] == next[i]);
      if (!after.m.empty()) CHECK(walk.m() == after.m[i]);
      if (!after.v.empty()) CHECK(walk.v() == after.v[i]);
      CHECK((walk.x[0] - x[i]) * static_cast<float>(deltas[i]) >= 0);  // goes the delta's way
    }
  }
}

TEST_CASE("an unknown optimizer is answered with those there are") {
  const auto unknown = make_server_optimizer({.type = "adagard"});
  CHECK(unknown.error().code == fed::ErrorCode::unsupported);
  CHECK(unknown.error().detail.find("sgd, adagrad, adam, yogi") != std::string::npos);
}
