#include "paillier/packing.h"

#include <limits>

#include "paillier_testing.h"

namespace fed::paillier {
namespace {

using Values = std::vector<std::int64_t>;
using Sums = std::vector<std::int64_t>;

// The sum of plaintexts as decryption gives it: modulo nothing, since the layout keeps it below n.
Plaintext plain_sum(const std::vector<Plaintext>& plaintexts) {
  Plaintext sum;
  for (const Plaintext& plaintext : plaintexts) {
    Wide carry = 0;
    for (std::size_t i = 0; i < kModulusLimbs; ++i) {
      carry += static_cast<Wide>(sum.span()[i]) + plaintext.view()[i];
      sum.span()[i] = static_cast<std::uint64_t>(carry);
      carry >>= 64;
    }
    REQUIRE(carry == 0);
  }
  return sum;
}

Values random_values(const Layout& layout, std::size_t count, Random& random) {
  Values values(count);
  const auto range = static_cast<std::uint64_t>(layout.greatest() - layout.least()) + 1;
  for (std::int64_t& value : values) {
    value = layout.least() + static_cast<std::int64_t>(random.below(range));
  }
  return values;
}

TEST_CASE("the guard bits are the fewest that hold every summand") {
  const auto guard = [](std::uint32_t summands) {
    return Layout::make(16, summands)->field_bits() - 16;
  };
  CHECK(guard(1) == 0);
  CHECK(guard(2) == 1);
  CHECK(guard(3) == 2);
  CHECK(guard(4) == 2);
  CHECK(guard(5) == 3);
  CHECK(guard(1024) == 10);
  CHECK(guard(1025) == 11);
  CHECK(guard(1U << 20) == 20);
}

TEST_CASE("a layout says how much fits") {
  const Layout layout = Layout::make(16, 100).value();
  CHECK(layout.field_bits() == 23);
  CHECK(layout.capacity() == 133);  // 133 * 23 = 3,059, 134 * 23 = 3,082
  CHECK(layout.plaintexts(0) == 0);
  CHECK(layout.plaintexts(1) == 1);
  CHECK(layout.plaintexts(133) == 1);
  CHECK(layout.plaintexts(134) == 2);
  CHECK(layout.plaintexts(50'000) == 376);
  CHECK(layout.least() == -32768);
  CHECK(layout.greatest() == 32767);
  // 3,072 is a multiple of 3: the last bit is not used, or a sum could pass n.
  CHECK(Layout::make(3, 1)->capacity() == 1023);
}

TEST_CASE("layouts outside of the limits are refused") {
  for (const unsigned bits : {0U, 1U, 63U, 64U, 1000U}) {
    CHECK(Layout::make(bits, 10).error().code == ErrorCode::invalid);
  }
  for (const std::uint32_t summands :
       {0U, Layout::kSummandsMax + 1, std::numeric_limits<std::uint32_t>::max()}) {
    CHECK(Layout::make(16, summands).error().code == ErrorCode::invalid);
  }
  CHECK(Layout::make(2, 1).has_value());
  CHECK(Layout::make(43, Layout::kSummandsMax)->field_bits() == 63);
  CHECK(Layout::make(44, Layout::kSummandsMax).error().code == ErrorCode::invalid);
  CHECK(Layout::make(62, 2).has_value());
  CHECK(Layout::make(62, 3).error().code == ErrorCode::invalid);
}

TEST_CASE("the fields of a plaintext are where the header says") {
  const Layout layout = Layout::make(8, 2).value();  // fields of 9 bits, offset 128
  const Plaintext packed = layout.pack(Values{-128, 127, -1}).value();
  CHECK(packed.view()[0] == (0ULL | 255ULL << 9 | 127ULL << 18));
  for (std::size_t i = 1; i < kModulusLimbs; ++i) CHECK(packed.view()[i] == 0);
}

TEST_CASE("random sums are exact in every layout") {
  Random random(1);
  for (unsigned bits = Layout::kBitsMin; bits <= Layout::kBitsMax; ++bits) {
    const std::uint64_t room = std::uint64_t{1} << std::min(Layout::kFieldBitsMax - bits, 4U);
    const auto most =
        static_cast<std::uint32_t>(1 + random.below(std::min<std::uint64_t>(room, 13)));
    const auto summands = static_cast<std::uint32_t>(1 + random.below(most));
    const Layout layout = Layout::make(bits, most).value();
    const std::size_t count = layout.capacity() - random.below(3);
    std::vector<Plaintext> plaintexts;
    Sums expected(count);
    for (std::uint32_t i = 0; i < summands; ++i) {
      const Values values = random_values(layout, count, random);
      for (std::size_t j = 0; j < count; ++j) expected[j] += values[j];
      plaintexts.push_back(layout.pack(values).value());
    }
    CHECK(layout.unpack(plain_sum(plaintexts), count, summands).value() == expected);
  }
}

TEST_CASE("exactly as many extreme values as there may be do not touch their neighbours") {
  for (const std::uint32_t summands : {1U, 2U, 3U, 4U, 7U, 8U, 9U}) {
    for (const unsigned bits : {2U, 16U, 32U, 59U}) {
      const Layout layout = Layout::make(bits, summands).value();
      Values values(layout.capacity());
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = i % 2 == 0 ? layout.least() : layout.greatest();
      }
      std::vector<Plaintext> plaintexts;
      for (std::uint32_t i = 0; i < summands; ++i) plaintexts.push_back(*layout.pack(values));
      const Sums sums = layout.unpack(plain_sum(plaintexts), values.size(), summands).value();
      for (std::size_t i = 0; i < values.size(); ++i) {
        REQUIRE(sums[i] == values[i] * summands);
      }
    }
  }
}

TEST_CASE("the most summands of the widest coordinates are exact") {
  const Layout layout = Layout::make(32, Layout::kSummandsMax).value();
  // What 2^20 summands of the greatest value, and of the least, leave in two fields.
  const auto top = std::uint64_t{Layout::kSummandsMax} * 0xffffffffULL;
  Plaintext sum;
  sum.span()[0] = top;  // 52 bits; the next field is 0
  const Sums sums = layout.unpack(sum, 2, Layout::kSummandsMax).value();
  CHECK(sums[0] == std::int64_t{Layout::kSummandsMax} * 0x7fffffff);
  CHECK(sums[1] == -std::int64_t{Layout::kSummandsMax} * 0x80000000LL);
}

TEST_CASE("a full plaintext stays below every modulus of 3,072 bits") {
  for (unsigned bits = Layout::kBitsMin; bits <= Layout::kBitsMax; ++bits) {
    const Layout layout = Layout::make(bits, 1).value();
    const Values values(layout.capacity(), layout.greatest());
    const Plaintext packed = layout.pack(values).value();
    CHECK(packed.view().back() >> 63 == 0);
    CHECK(layout.unpack(packed, values.size(), 1).value() == Sums(values.begin(), values.end()));
  }
}

TEST_CASE("values that do not fit are refused") {
  const Layout layout = Layout::make(16, 2).value();
  CHECK(layout.pack(Values{32767, -32768}).has_value());
  CHECK(layout.pack(Values{0, 32768}).error().code == ErrorCode::invalid);
  CHECK(layout.pack(Values{-32769}).error().code == ErrorCode::invalid);
  const auto secret = layout.pack(Values{1'234'567});
  CHECK_THAT(secret.error().detail, !Catch::Contains("1234567"));
  CHECK(layout.pack(Values(layout.capacity())).has_value());
  CHECK(layout.pack(Values(layout.capacity() + 1)).error().code == ErrorCode::too_large);
  CHECK(layout.pack(Values{}).has_value());
}

TEST_CASE("more summands than the guard bits are for are refused") {
  const Layout layout = Layout::make(16, 4).value();
  const Plaintext sum = layout.pack(Values{1}).value();
  CHECK(layout.unpack(sum, 1, 4).has_value());
  const auto refused = layout.unpack(sum, 1, 5);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::invalid);
  CHECK_THAT(refused.error().detail, Catch::Contains("5 summands"));
  CHECK(layout.unpack(sum, 1, 0).error().code == ErrorCode::invalid);
  CHECK(layout.unpack(sum, layout.capacity() + 1, 1).error().code == ErrorCode::too_large);
}

TEST_CASE("sums that the summands cannot have made are refused") {
  const Layout layout = Layout::make(8, 4).value();  // fields of 10 bits
  const auto code = [&](const Plaintext& sum, std::size_t count, std::uint32_t summands) {
    const auto sums = layout.unpack(sum, count, summands);
    REQUIRE_FALSE(sums.has_value());
    return sums.error().code;
  };
  CHECK(layout.unpack(small(255), 1, 1).has_value());
  CHECK(code(small(256), 1, 1) == ErrorCode::malformed);  // one of 8 bits has at most 255
  CHECK(layout.unpack(small(510), 1, 2).has_value());
  CHECK(code(small(511), 1, 2) == ErrorCode::malformed);
  CHECK(code(small(1 << 10), 1, 4) == ErrorCode::malformed);  // a bit beyond the field
  CHECK(layout.unpack(small(1 << 10), 2, 4).has_value());
  for (std::size_t bit = 20; bit < kModulusBits; bit += 101) {
    Plaintext beyond;
    beyond.span()[bit / 64] = std::uint64_t{1} << (bit % 64);
    CHECK(code(beyond, 2, 4) == ErrorCode::malformed);
  }
  Plaintext last;
  last.span().back() = std::uint64_t{1} << 63;
  CHECK(code(last, layout.capacity(), 4) == ErrorCode::malformed);
}

TEST_CASE("encrypted sums of packed updates are exact, with as many summands as there may be") {
  constexpr std::uint32_t kSummands = 3;
  const PublicKey& key = test_public_key();
  const Layout layout = Layout::make(16, kSummands).value();
  Random random(9);
  Ciphertext sum = Ciphertext::one();
  Sums expected(layout.capacity());
  for (std::uint32_t i = 0; i < kSummands; ++i) {
    Values values = random_values(layout, layout.capacity(), random);
    values[0] = -32768;
    values[1] = 32767;
    values.back() = 32767;
    for (std::size_t j = 0; j < values.size(); ++j) expected[j] += values[j];
    add(key, sum, encrypted(layout.pack(values).value(), i));
  }
  const Plaintext decrypted = test_key().decrypt(sum).value();
  CHECK(layout.unpack(decrypted, expected.size(), kSummands).value() == expected);
  // One summand too many was added up: the guard bits are full, and unpack does not guess.
  CHECK_FALSE(layout.unpack(decrypted, expected.size(), kSummands - 1).has_value());
  CHECK_FALSE(layout.unpack(decrypted, expected.size(), kSummands + 1).has_value());
}

}  // namespace
}  // namespace fed::paillier
