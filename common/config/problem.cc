#include "config/problem.h"

#include <stdexcept>

namespace fed::config {

void throw_exception_from_error(const Problems& problems, const boost::source_location&) {
  throw std::runtime_error(format_problems("configuration", problems));
}

std::string format_problems(std::string_view file, const Problems& problems) {
  std::string lines;
  for (const Problem& problem : problems) {
    lines.append(file).append(": ");
    if (!problem.pointer.empty()) lines.append(problem.pointer).append(": ");
    lines.append(problem.message).append("\n");
  }
  return lines;
}

std::string step(std::string_view pointer, std::string_view key) {
  std::string longer(pointer);
  longer += '/';
  for (const char c : key) {
    if (c == '~') {
      longer += "~0";
    } else if (c == '/') {
      longer += "~1";
    } else {
      longer += c;
    }
  }
  return longer;
}

}  // namespace fed::config
