// Vectors of any size lie on cache lines, large ones on huge pages where the system has them.
#include "tensor/vector.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

namespace fed::tensor {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

std::uintptr_t address(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }

// Whether the mapping that holds `at` was advised to have huge pages ("hg" among its VmFlags).
bool huge_pages_wanted(const void* at) {
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &begin, &end) == 2) {
      inside = begin <= address(at) && address(at) < end;
    }
    if (inside && line.starts_with("VmFlags:")) return line.find(" hg") != std::string::npos;
  }
  return false;
}

TEST_CASE("vectors of any size begin on a cache line and are zero") {
  for (const std::size_t bytes :
       {std::size_t{4}, std::size_t{4096}, 2 * kHugePageBytes - 4, 2 * kHugePageBytes,
        2 * kHugePageBytes + 4, 5 * kHugePageBytes + 12}) {
    const Floats floats(bytes / sizeof(float));
    CHECK(address(floats.data()) % alignment_bytes == 0);
    CHECK(std::ranges::all_of(floats, [](float value) { return value == 0; }));
  }
}

TEST_CASE("large vectors lie on huge pages, small ones do not ask for them") {
  const Doubles large(3 * kHugePageBytes / sizeof(double));
  CHECK(address(large.data()) % kHugePageBytes == 0);
  // A system without huge pages has no such file, and the advice is refused.
  if (std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled")) {
    CHECK(huge_pages_wanted(large.data()));
  }
  const Floats small(1000);
  CHECK_FALSE(huge_pages_wanted(small.data()));
}

TEST_CASE("a vector that grows from small to large and back keeps its values") {
  Floats values{1, 2, 3};
  values.resize(3 * kHugePageBytes / sizeof(float), 4);
  CHECK(values[2] == 3);
  CHECK(values.back() == 4);
  values.resize(2);
  values.shrink_to_fit();
  CHECK(values == Floats{1, 2});
  Floats moved = std::move(values);
  CHECK(moved.size() == 2);
}

}  // namespace
}  // namespace fed::tensor
