// The numbers here were computed with Python's integers.
#include "crypto/scalar.h"

#include <catch2/catch.hpp>
#include <numeric>

namespace fed::crypto {
namespace {

const std::string kOrder = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

Result<Scalar> scalar_of(const std::string& hex) {
  const Bytes bytes = from_hex(hex).value();
  return Scalar::from_bytes(KeyView(bytes.data(), 32));
}

std::string hex_of(const Scalar& scalar) { return to_hex(scalar.view()); }

// The 64 bytes 0, 1, ... 63 as one number, modulo L.
Scalar counted() {
  return Scalar::random([](ByteSpan into) {
    std::iota(into.begin(), into.end(), std::uint8_t{0});
    CHECK(into.size() == 64);
  });
}

TEST_CASE("a scalar is the number modulo the order of the group") {
  CHECK(hex_of(counted()) == "7a3c6282f02d37a05023b60d5428e6cc5961d4c31221937adae0b574e4d07205");
  CHECK(hex_of(Scalar(0x0102030405060708)) ==
        "0807060504030201000000000000000000000000000000000000000000000000");
  CHECK((Scalar() == Scalar(0)));
}

TEST_CASE("bytes are a scalar only below the order") {
  CHECK(scalar_of(kOrder).error().code == ErrorCode::malformed);
  CHECK(scalar_of(std::string(64, 'f')).error().code == ErrorCode::malformed);
  std::string below = kOrder;
  below[1] = 'c';
  REQUIRE(scalar_of(below).has_value());
  CHECK(hex_of(*scalar_of(below)) == below);
}

TEST_CASE("scalars add, subtract, multiply and invert like Python's integers") {
  const Scalar a = counted();
  Scalar square = a.duplicate();
  square *= a;
  CHECK(hex_of(square) == "7cacd8b5d603ba8154cc58fa3e5181c52905cb144df6dea2e64c15143c431f0a");
  CHECK(hex_of(a.inverse()) == "4cac00d19145d80b89d58dd9b4b67839ae409ef2974df8df31f47e0f3375b002");
  Scalar difference(5);
  difference -= a;
  CHECK(hex_of(difference) == "789793da2935dbb7857941958ad1f847a69e2b3cedde6c85251f4a8b1b2f8d0a");
  difference += a;
  CHECK((difference == Scalar(5)));
}

TEST_CASE("one below the order is minus one") {
  std::string digits = kOrder;
  digits[1] = 'c';
  const Scalar minus_one = scalar_of(digits).value();
  Scalar sum = minus_one.duplicate();
  sum += Scalar(1);
  CHECK((sum == Scalar()));
  Scalar square = minus_one.duplicate();
  square *= minus_one;
  CHECK((square == Scalar(1)));
  CHECK((minus_one.inverse() == minus_one));
}

TEST_CASE("a step of Horner's rule is the multiplication and the addition") {
  std::string digits = kOrder;
  digits[1] = 'c';
  const Scalar minus_one = scalar_of(digits).value();
  std::vector<Scalar> values;
  for (const std::uint64_t number : {0U, 1U, 2U}) values.push_back(Scalar(number));
  values.push_back(minus_one.duplicate());
  values.push_back(counted());
  values.push_back(counted().inverse());
  for (int i = 0; i < 200; ++i) {  // powers: as good as random
    Scalar next = values.back().duplicate();
    next *= values[4];
    values.push_back(std::move(next));
  }
  for (const std::uint32_t factor : {0U, 1U, 2U, 3U, 314U, 65'537U, 0x7fffffffU, 0xffffffffU}) {
    bool same = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (const std::size_t j : {std::size_t{0}, std::size_t{3}, values.size() - 1 - i}) {
        Scalar expected = values[i].duplicate(), value = values[i].duplicate();
        expected *= Scalar(factor);
        expected += values[j];
        value.multiply_add(factor, values[j]);
        same = same && value == expected;
      }
    }
    CHECK(same);
  }
  Scalar self = counted();
  self.multiply_add(4, self);
  Scalar five(5);
  five *= counted();
  CHECK((self == five));
}

TEST_CASE("a duplicate is independent and a moved-from scalar is wiped") {
  Scalar a(7);
  Scalar b = a.duplicate();
  b += Scalar(1);
  CHECK((a == Scalar(7)));
  const Scalar c = std::move(a);
  CHECK((c == Scalar(7)));
  CHECK((a == Scalar()));
}

}  // namespace
}  // namespace fed::crypto
