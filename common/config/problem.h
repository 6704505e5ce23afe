// What is wrong with a configuration file: a list, because a person wants to repair a file once,
// not once per mistake.
//
// Plain values; copy freely, share const.
#pragma once

#include <boost/system/result.hpp>
#include <boost/throw_exception.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace fed::config {

struct Problem {
  std::string pointer;  // RFC 6901: "/rounds/cohort"; empty when the file as a whole is meant
  std::string message;  // "is 0; allowed: a whole number from 1 to 1000000"

  bool operator==(const Problem&) const = default;
};
using Problems = std::vector<Problem>;
constexpr std::size_t problems_max = 100;  // of one file; the rest are not looked for

// A value, or at least one problem.
template <class T>
using Checked = boost::system::result<T, Problems>;

// What Checked::value() throws: std::runtime_error with the formatted problems.
[[noreturn]] void throw_exception_from_error(const Problems& problems,
                                             const boost::source_location&);

// One line a problem, each ended by a newline: "FILE: /json/pointer: message", or "FILE: message".
std::string format_problems(std::string_view file, const Problems& problems);

// `pointer` and one more step, escaped as RFC 6901 asks ("~" is "~0", "/" is "~1").
std::string step(std::string_view pointer, std::string_view key);

}  // namespace fed::config
