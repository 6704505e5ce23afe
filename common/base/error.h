// Errors as values: a small closed enum for code, one sentence for people.
//
// Code branches on `code`; `detail` tells its reader what is wrong and what to do (law 9). Expected
// failures (a peer's bytes, a file, a configuration) are returned as Result; a bug aborts through
// FED_CHECK; exceptions are left to start-up and to libraries.
#pragma once

#include <boost/system/result.hpp>
#include <boost/throw_exception.hpp>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>

namespace fed {

enum class ErrorCode {
  malformed,       // bytes or text that do not follow their format
  unauthentic,     // a seal, signature or key that does not verify
  too_large,       // a size beyond its limit
  invalid,         // well-formed, but a value outside what is allowed
  mismatch,        // two things that had to agree (hash, shape, version) do not
  not_found,       // no such file, job, client, ...
  already_exists,  // would overwrite or count twice
  io,              // the operating system refused a read, a write or a connection
  disk_full,       // the same, because no space is left
  closed,          // the other side is gone, or the session has ended
  unsupported,     // understood, but not available here
};

// The enum's name, for logs and `--json`: "malformed", "unauthentic", ...
const char* name(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string detail;

  bool operator==(const Error&) const = default;
};

// "code: detail", for logs and failed tests.
std::ostream& operator<<(std::ostream& out, const Error& error);

template <class T>
using Result = boost::system::result<T, Error>;
using Status = boost::system::result<void, Error>;

// What Result::value() throws; found by argument-dependent lookup.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
  throw std::runtime_error(error.detail);
}

// The same code with "`context`: " before the detail.
Error within(const std::string& context, Error error);

// An Error for errno: disk_full for ENOSPC and EDQUOT, not_found for ENOENT, already_exists for
// EEXIST, else io. The detail is "`what`: " and the system's message.
Error from_errno(const std::string& what, int error_number);

// Aborts with `what` and the place. For broken invariants only, never for input.
[[noreturn]] void fail_check(const char* condition, const char* file, int line);

}  // namespace fed

#define FED_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::fed::fail_check(#condition, __FILE__, __LINE__))

// Returns the error of `expression` (a Result or Status) from the enclosing function, if it has
// one.
#define FED_TRY(expression)                                                       \
  do {                                                                            \
    if (auto fed_try = (expression); !fed_try) return std::move(fed_try).error(); \
  } while (false)

// Declares `name` as the value of `expression`, or returns its error from the enclosing function.
#define FED_ASSIGN(name, expression)                           \
  auto name##_result = (expression);                           \
  if (!name##_result) return std::move(name##_result).error(); \
  auto name = std::move(*name##_result)
