#include "clocks.h"

#include <ctime>

namespace fed::bench {
namespace {

double read_clock(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

double thread_cpu_seconds() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

double process_cpu_seconds() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

double process_cpu_seconds(pid_t process) {
  clockid_t clock{};
  return ::clock_getcpuclockid(process, &clock) == 0 ? read_clock(clock) : 0;
}

}  // namespace fed::bench
