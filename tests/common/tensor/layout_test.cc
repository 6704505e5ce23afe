#include "tensor/layout.h"

#include <catch2/catch.hpp>
#include <limits>
#include <numeric>

#include "tensor/tensor_view.h"
#include "tensor/vector.h"

namespace fed::tensor {
namespace {

constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();

TEST_CASE("parameters lie one after the other") {
  Layout layout;
  REQUIRE(layout.add("layers.0.weight", {2, 3}));
  REQUIRE(layout.add("layers.0.bias", {2}));
  REQUIRE(layout.add("scale", {}));
  REQUIRE(layout.add("nothing", {4, 0}));
  REQUIRE(layout.add("last", {1}));
  CHECK(layout.size() == 10);
  CHECK(layout.find("layers.0.bias")->offset == 6);
  CHECK(layout.find("scale")->size() == 1);
  CHECK(layout.find("nothing")->size() == 0);
  CHECK(layout.find("last")->offset == 9);
  CHECK(layout.find("layers") == nullptr);

  std::vector<float> vector(10);
  std::iota(vector.begin(), vector.end(), 0.0f);
  const auto bias = Layout::slice(std::span(vector), *layout.find("layers.0.bias"));
  CHECK(std::vector<float>(bias.begin(), bias.end()) == std::vector<float>{6, 7});
}

TEST_CASE("layouts are equal if names, shapes and order are") {
  Layout a, b, c;
  REQUIRE(a.add("x", {2, 3}));
  REQUIRE(b.add("x", {2, 3}));
  REQUIRE(c.add("x", {3, 2}));
  CHECK(a == b);
  CHECK_FALSE(a == c);
  REQUIRE(b.add("y", {1}));
  CHECK_FALSE(a == b);
}

TEST_CASE("what makes no layout is refused, and the layout stays as it was") {
  Layout layout;
  REQUIRE(layout.add("x", {2}));
  const Layout before = layout;
  CHECK(layout.add("", {1}).error().code == ErrorCode::invalid);
  CHECK(layout.add("x", {1}).error().code == ErrorCode::invalid);
  CHECK(layout.add("y", {-1}).error().code == ErrorCode::invalid);
  CHECK(layout.add("y", {0, -1}).error().code == ErrorCode::invalid);
  CHECK(layout.add("y", {huge}).error().code == ErrorCode::too_large);
  CHECK(layout.add("y", {huge, huge}).error().code == ErrorCode::too_large);
  CHECK(layout.add("y", {std::int64_t{1} << 32, std::int64_t{1} << 32}).error().code ==
        ErrorCode::too_large);
  CHECK(layout == before);
  const std::int64_t most = (std::int64_t{1} << 60) - 1;
  CHECK(layout.add("y", {most}).error().code == ErrorCode::too_large);  // with x before it
  CHECK(layout.add("y", {most - 2}).has_value());
}

TEST_CASE("vectors begin on a cache line") {
  for (const std::size_t size : {1u, 7u, 1000u}) {
    const Floats floats(size);
    const Doubles doubles(size);
    CHECK(reinterpret_cast<std::uintptr_t>(floats.data()) % 64 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(doubles.data()) % 64 == 0);
  }
}

TEST_CASE("views name every parameter, and notice data of the wrong length") {
  Layout layout;
  REQUIRE(layout.add("w", {2, 2}));
  REQUIRE(layout.add("b", {1}));
  const std::vector<float> vector{1, 2, 3, 4, 5};
  auto views = views_of(layout, vector);
  REQUIRE(views.size() == 2);
  CHECK(views[1].name == "b");
  CHECK(views[1].data.data() == reinterpret_cast<const std::uint8_t*>(&vector[4]));
  CHECK(check(views[0]));
  views[0].type = DataType::f64;
  CHECK(check(views[0]).error().code == ErrorCode::mismatch);
}

TEST_CASE("the table of types is in the order of the enum") {
  for (const DataTypeTraits& known : data_types()) {
    CHECK(&traits(known.type) == &known);
    if (known.npy) CHECK(std::stoi(known.npy + 2) == static_cast<int>(known.bytes));
  }
}

}  // namespace
}  // namespace fed::tensor
