#include "app/replay.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace fed::app {
namespace {

TEST_CASE("what a fold was told survives its text, to the bit") {
  const round::CloseRound round{
      .round = 12,
      .attempt = 2,
      .kind = round::TaskKind::training,
      .base_version = 11,
      .contributions = {{.client = 3,
                         .examples = 60,
                         .weight = 60,
                         .task = 41,
                         .base_version = 9,
                         .discount = 1 / std::sqrt(3.0)},
                        {.client = 1, .examples = 1, .weight = 1, .task = 42, .base_version = 11}},
      .total_weight = 60 + 1.0 / 3};
  const auto again = described(describe(round));
  REQUIRE(again.has_value());
  CHECK(*again == round);
}

TEST_CASE("a damaged description is told from one that is there") {
  for (const char* text : {"", "{}", "[1]", "null", R"({"round": "x"})",
                           R"({"round":1,"attempt":1,"base_version":0,"total_weight":1})",
                           R"({"round":1,"attempt":1,"base_version":0,"total_weight":1,
                               "contributions":[{"client":1}]})"}) {
    INFO(text);
    CHECK(described(text).error().code == ErrorCode::malformed);
  }
}

}  // namespace
}  // namespace fed::app
