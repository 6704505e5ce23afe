#include "wire/assembler.h"

#include <catch2/catch.hpp>

#include "samples.h"

namespace fed::wire {
namespace {

std::vector<Bytes> fragments_of(const Message& message, std::size_t body_max) {
  std::vector<Bytes> bodies;
  fragment(message, body_max, [&](ByteView body) { bodies.push_back(copy(body)); });
  return bodies;
}

TEST_CASE("a message survives every size of fragment") {
  for (const Message& message : sample_messages()) {
    const Bytes whole = encode(message);
    for (std::size_t body_max = 2; body_max < whole.size() + 3; ++body_max) {
      Assembler assembler(kFromServerBytesMax);
      const auto bodies = fragments_of(message, body_max);
      for (std::size_t i = 0; i + 1 < bodies.size(); ++i) {
        const auto part = assembler.add(bodies[i]);
        REQUIRE(part.has_value());
        CHECK_FALSE(part->has_value());
      }
      const auto last = assembler.add(bodies.back());
      REQUIRE(last.has_value());
      REQUIRE(last->has_value());
      CHECK(encode(**last) == whole);
    }
  }
}

TEST_CASE("messages follow one another through one assembler") {
  Assembler assembler(kFromServerBytesMax);
  for (int i = 0; i < 3; ++i) {
    for (const Bytes& body : fragments_of(Bye{"go", true}, 10))
      REQUIRE(assembler.add(body).has_value());
  }
}

TEST_CASE("an assembler holds no more than its limit") {
  Assembler assembler(100);
  const Bytes part(61, 0);  // flag 0: more follows
  REQUIRE(assembler.add(part).has_value());
  const auto beyond = assembler.add(part);
  REQUIRE_FALSE(beyond.has_value());
  CHECK(beyond.error().code == ErrorCode::too_large);
}

TEST_CASE("a fragment without a known flag is refused") {
  Assembler assembler(100);
  CHECK(assembler.add(Bytes{}).error().code == ErrorCode::malformed);
  CHECK(assembler.add(Bytes{2, 1}).error().code == ErrorCode::malformed);
}

}  // namespace
}  // namespace fed::wire
