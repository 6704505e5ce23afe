#include "machine.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "base/disk.h"

namespace fed::bench {
namespace {

// The value behind the first line that begins with `key`.
std::string field(const char* file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key)) continue;
    const auto at = line.find_first_not_of(" \t:", key.size());
    return at == std::string::npos ? "" : line.substr(at);
  }
  return "";
}

std::uint64_t kilobytes(const std::string& key) {
  const std::string text = field("/proc/meminfo", key);
  return text.empty() ? 0 : std::stoull(text) * 1024;
}

// What the kernel says of it; a virtual disk may say anything.
std::string kind_of(const std::string& device) {
  std::string name = fs::path(device).filename().string();
  if (name.starts_with("vd") || name.starts_with("xvd")) return "virtual disk";
  while (!name.empty()) {
    std::ifstream file("/sys/block/" + name + "/queue/rotational");
    std::string rotates;
    if (file >> rotates) return rotates == "0" ? "solid state" : "rotating";
    name.pop_back();  // of a partition
  }
  return "unknown kind";
}

// The longest mount point that holds `folder`.
std::string disk_of(const fs::path& folder) {
  std::error_code error;
  const std::string path = fs::canonical(folder, error).string();
  std::ifstream mounts("/proc/mounts");
  std::string best, text = "unknown";
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device, point, type;
    words >> device >> point >> type;
    const bool inside = point == "/" || path == point || path.starts_with(point + "/");
    if (!inside || point.size() < best.size()) continue;
    best = point;
    text = fmt::format("{} on {} ({})", type, device, kind_of(device));
  }
  return text;
}

}  // namespace

std::string Machine::to_text() const {
  constexpr double kGigabyte = 1e9;
  return fmt::format("{}, {} cores, {:.1f} GB of memory; {}, {:.0f} GB free; {}\n", processor,
                     cores, static_cast<double>(memory_bytes) / kGigabyte, disk,
                     static_cast<double>(disk_bytes_free) / kGigabyte, kernel);
}

Json Machine::to_json() const {
  return {{"processor", processor},
          {"cores", cores},
          {"memory_bytes", memory_bytes},
          {"memory_available_bytes", memory_available_bytes},
          {"disk", disk},
          {"disk_bytes_free", disk_bytes_free},
          {"kernel", kernel}};
}

Machine describe_machine(const fs::path& folder) {
  Machine machine;
  machine.processor = field("/proc/cpuinfo", "model name");
  machine.cores = std::thread::hardware_concurrency();
  machine.memory_bytes = kilobytes("MemTotal:");
  machine.memory_available_bytes = kilobytes("MemAvailable:");
  machine.disk = disk_of(folder);
  const auto free = real_disk().bytes_free(folder);
  machine.disk_bytes_free = free ? *free : 0;
  utsname system{};
  if (::uname(&system) == 0) machine.kernel = fmt::format("{} {}", system.sysname, system.release);
  return machine;
}

}  // namespace fed::bench
