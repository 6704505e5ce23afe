#include "cli/service.h"

#include <systemd/sd-daemon.h>

#include <cstdlib>

namespace fed::cli {

void notify_ready() { sd_notify(0, "READY=1"); }
void notify_reloading() { sd_notify(0, "RELOADING=1"); }
void notify_stopping() { sd_notify(0, "STOPPING=1"); }
void notify_status(const std::string& one_line) { sd_notify(0, ("STATUS=" + one_line).c_str()); }
void notify_alive() { sd_notify(0, "WATCHDOG=1"); }

std::optional<Duration> watchdog_interval() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

bool logs_to_journal() { return std::getenv("JOURNAL_STREAM") != nullptr; }

log::Format log_format(log::Format configured) {
  return configured == log::Format::text && logs_to_journal() ? log::Format::journald : configured;
}

std::optional<fs::path> credential(const std::string& name) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr) return std::nullopt;
  fs::path path = fs::path(folder) / name;
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  return path;
}

}  // namespace fed::cli
