#include "crypto/secret.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <new>
#include <set>
#include <string>
#include <type_traits>

#include "crypto/init.h"
#include "crypto/random.h"
#include "support/sanitized.h"

namespace fed::crypto {
namespace {

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

TEST_CASE("secrets cannot be copied by accident") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<SecretKey>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<SecretKey>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Wiped<32>>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<Wiped<32>>);
}

TEST_CASE("a wiped holder leaves zeros behind when moved from and when destroyed") {
  alignas(Wiped<32>) std::array<std::uint8_t, sizeof(Wiped<32>)> memory;
  memory.fill(0xcc);
  const auto content = random_array<32>();
  auto* holder = new (memory.data()) Wiped<32>(content);
  CHECK(std::equal(content.begin(), content.end(), memory.begin()));

  Wiped<32> other(std::move(*holder));
  CHECK(all_zero(memory));
  CHECK(constant_time_equal(other.view(), content));

  *holder = std::move(other);
  CHECK(all_zero(other.view()));
  CHECK(constant_time_equal(holder->view(), content));
  holder->~Wiped<32>();
  CHECK(all_zero(memory));
}

TEST_CASE("equality looks at sizes and every byte") {
  const Bytes a{1, 2, 3};
  CHECK(constant_time_equal(a, Bytes{1, 2, 3}));
  CHECK(constant_time_equal({}, {}));
  CHECK_FALSE(constant_time_equal(a, Bytes{1, 2}));
  CHECK_FALSE(constant_time_equal(a, Bytes{1, 2, 3, 0}));
  for (std::size_t i = 0; i < a.size(); ++i) {
    Bytes b = a;
    b[i] ^= 0x80;
    CHECK_FALSE(constant_time_equal(a, b));
  }
}

TEST_CASE("a key keeps its bytes when it moves and when it is duplicated") {
  const auto content = random_array<32>();
  for (Memory memory : {Memory::locked, Memory::plain}) {
    SecretKey key(content, memory);
    SecretKey moved = std::move(key);
    const SecretKey twin = moved.duplicate();
    CHECK(constant_time_equal(moved.view(), content));
    CHECK(constant_time_equal(twin.view(), content));
    CHECK(moved.view().data() != twin.view().data());
    key = std::move(moved);
    CHECK(constant_time_equal(key.view(), content));
  }
}

// The sanitizers replace mlock by a function that does nothing and reports success.
#ifndef FED_SANITIZED

// Kilobytes that the kernel keeps locked for this process.
long locked_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmLck:") continue;
    long kilobytes = -1;
    status >> kilobytes;
    return kilobytes;
  }
  return -1;
}

TEST_CASE("locked() is what the kernel says") {
  const long before = locked_kilobytes();
  REQUIRE(before >= 0);
  const SecretKey plain = SecretKey::random(Memory::plain);
  CHECK_FALSE(plain.locked());
  CHECK(locked_kilobytes() == before);
  {
    const SecretKey key = SecretKey::random();
    CHECK((locked_kilobytes() > before) == key.locked());
  }
  CHECK(locked_kilobytes() == before);
}

// What a child process that may lock nothing sees: 0 if a key says so and works.
int make_key_without_locks() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 2;
  if (::geteuid() == 0 && ::setuid(65534) != 0) return 3;  // root may lock all the same
  const Bytes content(32, 7);
  const SecretKey key{KeyView(content.data(), 32)};
  if (key.locked()) return 4;
  return constant_time_equal(key.view(), content) ? 0 : 5;
}

TEST_CASE("a key that cannot be locked says so and works") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(make_key_without_locks());
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

#endif

TEST_CASE("random bytes fill all of their room and do not repeat") {
  init();
  init();
  std::set<std::array<std::uint8_t, 16>> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_array<16>());
  CHECK(seen.size() == 1000);
  // Each position takes other values than its initial one: the chance that one does not is 2^-512.
  Bytes bytes(256, 0);
  std::vector<bool> touched(bytes.size(), false);
  for (int i = 0; i < 64; ++i) {
    random_bytes(bytes);
    for (std::size_t j = 0; j < bytes.size(); ++j) touched[j] = touched[j] || bytes[j] != 0;
  }
  CHECK(std::all_of(touched.begin(), touched.end(), [](bool t) { return t; }));
}

}  // namespace
}  // namespace fed::crypto
