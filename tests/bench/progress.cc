#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace fed::bench {
namespace {

constexpr int kWidth = 30;

bool on_terminal() { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace

void show_progress(double share, const std::string& doing) {
  static std::string before;
  if (on_terminal()) {
    const auto filled = static_cast<int>(share * kWidth);
    fmt::print(stderr, "\r\x1b[K[{:#<{}}{: <{}}] {:3.0f} % {}", "", filled, "", kWidth - filled,
               share * 100, doing);
  } else if (doing != before) {
    fmt::print(stderr, "{}\n", doing);
  }
  before = doing;
  std::fflush(stderr);
}

void clear_progress() {
  if (on_terminal()) fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

}  // namespace fed::bench
