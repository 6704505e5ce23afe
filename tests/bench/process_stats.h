// What the kernel says of a process: memory and open descriptors.
//
// Read from /proc; a process that is gone has zeros. Thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace fed::bench {

struct ProcessMemory {
  std::uint64_t resident = 0;  // bytes, now (VmRSS)
  std::uint64_t peak = 0;      // bytes, the most so far (VmHWM)
  // Of `resident`: what the process has for itself. Mapped files and shared memory are the rest.
  std::uint64_t anonymous = 0;
};

ProcessMemory memory_of(pid_t process);
std::size_t descriptors_of(pid_t process);

// Makes VmHWM count from now on. False where the kernel does not allow it.
bool forget_peak(pid_t process);

// Bytes that the kernel has for TCP sockets, of all processes (/proc/net/sockstat).
std::uint64_t socket_memory();

}  // namespace fed::bench
