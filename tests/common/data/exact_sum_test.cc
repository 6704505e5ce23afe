#include "data/exact_sum.h"

#include <fmt/format.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "data/support.h"

namespace fed::data {
namespace {

__extension__ using Int128 = __int128;

// Finite doubles of every magnitude, sign and kind.
std::vector<double> hostile_values(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> values;
  while (values.size() < count) {
    const double value = std::bit_cast<double>(random.next());
    if (std::isfinite(value) && std::fabs(value) < 0x1p1000) values.push_back(value);
    if (values.size() % 5 == 1) values.push_back(-values.back() * (1 + 0x1p-50));  // cancels nearly
    if (values.size() % 7 == 1) values.push_back(random.normal());
    if (values.size() % 11 == 1) values.push_back(std::bit_cast<double>(random.below(1u << 20)));
  }
  return values;
}

ExactSum sum_of(const std::vector<double>& values) {
  ExactSum sum;
  for (double value : values) sum.add(value);
  return sum;
}

TEST_CASE("an exact sum rounds once, to nearest and to even") {
  CHECK(ExactSum().round() == 0);
  CHECK(sum_of({1e100, 1, -1e100}).round() == 1);
  CHECK(sum_of({0.1, 0.2, 0.3, -0.6}).round() ==
        2.7755575615628914e-17);                                 // as fractions.Fraction has it
  CHECK(sum_of({1, 0x1p-53}).round() == 1);                      // a tie goes to the even neighbour
  CHECK(sum_of({1 + 0x1p-52, 0x1p-53}).round() == 1 + 0x1p-51);  // upwards too
  CHECK(sum_of({1, 0x1p-53, 0x1p-1074}).round() == 1 + 0x1p-52);  // one unit breaks it
  CHECK(sum_of({-1, -0x1p-53, -0x1p-1074}).round() == -1 - 0x1p-52);
  CHECK(sum_of({0x1p-1074, 0x1p-1074}).round() == 0x1p-1073);
  CHECK(sum_of({0x1p53, -1, 0x1p-60}).round() == 0x1p53 - 1);
  const double largest = std::numeric_limits<double>::max();
  CHECK(sum_of({largest, largest, -largest}).round() == largest);
  CHECK(sum_of({-largest, -largest}).round() == -std::numeric_limits<double>::infinity());
  CHECK_FALSE(std::signbit(sum_of({-1, 1}).round()));
}

TEST_CASE("an exact sum is the same in every order and grouping, bit for bit") {
  auto values = hostile_values(2000, 1);
  const ExactSum expected = sum_of(values);
  Random random(2);
  for (int trial = 0; trial < 20; ++trial) {
    random.shuffle(std::span(values));
    std::vector<ExactSum> partial(1 + random.below(9));
    for (double value : values) partial[random.below(partial.size())].add(value);
    random.shuffle(std::span(partial));
    ExactSum total;
    for (const ExactSum& part : partial) total.merge(part);
    REQUIRE(total == expected);
  }
  for (double value : values) {
    ExactSum without = expected;
    without.add(-value);
    without.add(value);
    REQUIRE(without == expected);
  }
}

TEST_CASE("merging carries through every limb") {
  for (double value : {0x1p-1074, 1.0, 0x1p1000}) {
    ExactSum below = sum_of({-value, 0x1p-1074});
    below.merge(sum_of({value}));
    CHECK(below == sum_of({0x1p-1074}));
    ExactSum zero = sum_of({-value});
    zero.merge(sum_of({value}));
    CHECK(zero == ExactSum());
  }
}

TEST_CASE("an exact sum agrees with Python's math.fsum") {
  const Folder folder;
  std::string lines;
  std::vector<double> expected;
  for (std::uint64_t seed = 10; seed < 60; ++seed) {
    const auto values = hostile_values(1 + seed * 3, seed);
    for (double value : values)
      lines += fmt::format("{:016x} ", std::bit_cast<std::uint64_t>(value));
    lines += "\n";
    expected.push_back(sum_of(values).round());
  }
  const auto printed = python(folder, R"(
import math, struct, sys
for line in open(sys.argv[1]):
    total = math.fsum(struct.unpack(">d", bytes.fromhex(x))[0] for x in line.split())
    print(struct.pack(">d", total).hex())
)",
                              folder.write("values.txt", lines));
  REQUIRE(printed.size() == expected.size());
  for (std::size_t i = 0; i < printed.size(); ++i) {
    CHECK(printed[i] == fmt::format("{:016x}", std::bit_cast<std::uint64_t>(expected[i])));
  }
}

TEST_CASE("products are added without rounding") {
  ExactSum sum;
  sum.add_product(0x1p27 + 1, 0x1p27 + 1);  // 2^54 + 2^28 + 1 needs 55 bits
  sum.add(-0x1p54);
  sum.add(-0x1p28);
  CHECK(sum.round() == 1);

  Random random(3);
  ExactSum exact;
  Int128 integer = 0;  // the same with whole numbers
  for (int i = 0; i < 1000; ++i) {
    const auto value =
        static_cast<std::int64_t>(random.below(std::uint64_t{1} << 53)) - (std::int64_t{1} << 52);
    exact.add_product(static_cast<double>(value), static_cast<double>(value));
    integer += static_cast<Int128>(value) * value;
  }
  CHECK(exact.round() == static_cast<double>(integer));
}

}  // namespace
}  // namespace fed::data
