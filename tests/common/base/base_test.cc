#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/random.h"

namespace fed {
namespace {

TEST_CASE("hex and base64url follow the vectors of RFC 4648") {
  CHECK(to_hex(view("fooba")) == "666f6f6261");
  CHECK(text(from_hex("666F6f6261").value()) == "fooba");
  CHECK_FALSE(from_hex("6").has_value());
  CHECK_FALSE(from_hex("zz").has_value());
  CHECK(to_base64url(view("")) == "");
  CHECK(to_base64url(view("f")) == "Zg");
  CHECK(to_base64url(view("fo")) == "Zm8");
  CHECK(to_base64url(view("foobar")) == "Zm9vYmFy");
  CHECK(text(from_base64url("Zm9vYg").value()) == "foob");
  CHECK_FALSE(from_base64url("Z").has_value());
  CHECK_FALSE(from_base64url("Zh").has_value());  // spare bits that are not zero
  CHECK_FALSE(from_base64url("Zm9+").has_value());
}

TEST_CASE("the checksum is XXH3-128, whole or in pieces") {
  CHECK(to_hex(checksum({})) == "99aa06d3014798d86001c324468d497f");  // from the XXH3 specification
  Checksummer pieces;
  pieces.update(view("ab"));
  pieces.update(view("c"));
  CHECK(pieces.finish() == checksum(view("abc")));
}

TEST_CASE("a replaced file has the new content, and a missing one is named") {
  const fs::path path = fs::temp_directory_path() / "fed_base_test_file";
  REQUIRE(replace_file(path, view("one"), Durability::power));
  REQUIRE(replace_file(path, view("two!"), Durability::process));
  CHECK(text(read_file(path, 10).value()) == "two!");
  CHECK(read_file(path, 3).error().code == ErrorCode::too_large);
  REQUIRE(remove_file(path));
  REQUIRE(remove_file(path));
  const auto missing = read_file(path, 10);
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK_THAT(missing.error().detail, Catch::Contains(path.string()));
}

TEST_CASE("a full disk is told apart from other failures") {
  const auto full = File::open_to_write("/dev/full");
  REQUIRE(full.has_value());
  CHECK(full->write_at(0, view("x")).error().code == ErrorCode::disk_full);
}

TEST_CASE("mt19937_64 gives the standard's 10000th value, so a seed means the same everywhere") {
  Random random(5489);
  for (int i = 1; i < 10000; ++i) random.next();
  CHECK(random.next() == 9981545732273789042u);
}

TEST_CASE("distributions have their moments") {
  Random random(1);
  constexpr int n = 200000;
  double normal_sum = 0, normal_squares = 0, gamma_sum = 0, small_gamma_sum = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    normal_sum += x;
    normal_squares += x * x;
    gamma_sum += random.gamma(3.0);
    small_gamma_sum += random.gamma(0.5);
  }
  CHECK(normal_sum / n == Approx(0).margin(0.01));
  CHECK(normal_squares / n == Approx(1).margin(0.02));
  CHECK(gamma_sum / n == Approx(3).margin(0.03));
  CHECK(small_gamma_sum / n == Approx(0.5).margin(0.02));
}

TEST_CASE("a shuffle keeps every element") {
  std::vector<int> values(100);
  std::iota(values.begin(), values.end(), 0);
  Random(7).shuffle(std::span(values));
  CHECK_FALSE(std::is_sorted(values.begin(), values.end()));
  std::sort(values.begin(), values.end());
  for (int i = 0; i < 100; ++i) CHECK(values[static_cast<std::size_t>(i)] == i);
}

}  // namespace
}  // namespace fed
