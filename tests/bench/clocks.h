// What is measured with: wall time, and the CPU time of a thread or of any process.
//
// Seconds as doubles. CPU time is user and system together, of all threads of the process, also of
// those that have ended. Thread-safe.
#pragma once

#include <sys/types.h>

#include "base/clock.h"

namespace fed::bench {

// Since it was made.
class Stopwatch {
 public:
  double seconds() const { return fed::seconds(now() - began_); }

 private:
  Instant began_ = now();
};

double thread_cpu_seconds();   // of the calling thread
double process_cpu_seconds();  // of this process
// Of a process that has not been waited for; 0 if there is none.
double process_cpu_seconds(pid_t process);

}  // namespace fed::bench
