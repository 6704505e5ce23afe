// One log for a process: spdlog to stderr, as text, as JSON lines, or with journald's <priority>
// prefixes.
//
// Secrets are never passed here. Thread-safe.
#pragma once

#include <fmt/core.h>

#include <functional>
#include <string>
#include <string_view>

namespace fed::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json, journald };

// Call once at start-up; before it, level info and text. Accepted level names: debug, info,
// warning, error.
void set_up(Level level, Format format);
Level level_from(std::string_view name);  // info for an unknown name

void write(Level level, std::string_view message);

// Where this thread's lines go instead, for whoever runs many programs in one (the simulator);
// nullptr ends it.
using Sink = std::function<void(Level level, std::string_view message)>;
void redirect(Sink sink);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace fed::log
