#include "process_stats.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/file.h"

namespace fed::bench {
namespace {

fs::path folder_of(pid_t process) { return fs::path("/proc") / std::to_string(process); }

}  // namespace

ProcessMemory memory_of(pid_t process) {
  ProcessMemory memory;
  std::ifstream status(folder_of(process) / "status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string key;
    std::uint64_t kilobytes = 0;
    words >> key >> kilobytes;
    if (key == "VmHWM:") memory.peak = kilobytes * 1024;
    if (key == "VmRSS:") memory.resident = kilobytes * 1024;
    if (key == "RssAnon:") memory.anonymous = kilobytes * 1024;
  }
  return memory;
}

std::size_t descriptors_of(pid_t process) {
  std::error_code error;
  const fs::directory_iterator all(folder_of(process) / "fd", error);
  if (error) return 0;
  return static_cast<std::size_t>(std::distance(fs::begin(all), fs::end(all)));
}

bool forget_peak(pid_t process) {
  std::ofstream file(folder_of(process) / "clear_refs");
  file << "5" << std::flush;
  return file.good();
}

std::uint64_t socket_memory() {
  std::ifstream file("/proc/net/sockstat");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("TCP:")) continue;
    const auto at = line.find(" mem ");
    if (at == std::string::npos) return 0;
    return std::stoull(line.substr(at + 5)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  return 0;
}

}  // namespace fed::bench
