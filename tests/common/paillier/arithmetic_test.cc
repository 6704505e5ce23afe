#include "paillier/arithmetic.h"

#include "paillier_testing.h"

namespace fed::paillier {
namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};

using Words = std::vector<std::uint64_t>;

TEST_CASE("products and remainders are those of the processor's own integers") {
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t a = random.next(), b = random.next(), modulus = random.next() | 1;
    const Wide wide = static_cast<Wide>(a) * b;
    Words product(2);
    multiply(product, Words{a}, Words{b});
    CHECK(product ==
          Words{static_cast<std::uint64_t>(wide), static_cast<std::uint64_t>(wide >> 64)});
    reduce(product, Words{modulus});
    CHECK(product[0] == static_cast<std::uint64_t>(wide % modulus));
  }
}

TEST_CASE("a power is that of repeated multiplication") {
  Random random(2);
  const std::uint64_t modulus = random.next() | 1 | std::uint64_t{1} << 63;
  const std::uint64_t base = random.next();
  Wide expected = 1;
  for (std::uint64_t exponent = 0; exponent < 100; ++exponent) {
    Words result(1);
    power(result, Words{base}, Words{exponent}, Words{modulus});
    CHECK(result[0] == static_cast<std::uint64_t>(expected));
    expected = expected * base % modulus;
  }
}

TEST_CASE("words of the exponent beyond the first count too") {
  // Euler: the order of a unit modulo 101 * 103 divides 100 * 102; 2^64 = 8,416 modulo that.
  Words result(1), same(1);
  power(result, Words{7}, Words{3, 1}, Words{101 * 103});
  power(same, Words{7}, Words{3 + 8416}, Words{101 * 103});
  CHECK(static_cast<std::uint64_t>((static_cast<Wide>(1) << 64) % (100 * 102)) == 8416);
  CHECK(result == same);
  CHECK(result != Words{7 * 7 * 7});
}

TEST_CASE("an inverse is one, and a number that shares a factor has none") {
  const Words modulus{101 * 103, 0};
  for (std::uint64_t value = 0; value < 101 * 103; value += 7) {
    Words inverse(2);
    const bool unit = value % 101 != 0 && value % 103 != 0;
    REQUIRE(invert(inverse, Words{value, 0}, modulus) == unit);
    if (unit) CHECK(inverse[0] * value % (101 * 103) == 1);
  }
}

TEST_CASE("steps of one carry and borrow through every word") {
  Words value{kAll, kAll, 7};
  increment(value);
  CHECK(value == Words{0, 0, 8});
  decrement(value);
  CHECK(value == Words{kAll, kAll, 7});
  Words zero{0, 0};
  decrement(zero);
  CHECK(zero == Words{kAll, kAll});
  increment(zero);
  CHECK(zero == Words{0, 0});
}

TEST_CASE("the highest word that differs decides which number is less") {
  CHECK(less(Words{5, 1}, Words{4, 2}));
  CHECK_FALSE(less(Words{4, 2}, Words{5, 1}));
  CHECK(less(Words{4, 1}, Words{5, 1}));
  CHECK_FALSE(less(Words{5, 1}, Words{5, 1}));
  CHECK(is_zero(Words{0, 0}));
  CHECK_FALSE(is_zero(Words{0, 1}));
  CHECK_FALSE(is_zero(Words{1, 0}));
}

}  // namespace
}  // namespace fed::paillier
