#include "base/error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace fed {

const char* name(ErrorCode code) {
  switch (code) {
    case ErrorCode::malformed:
      return "malformed";
    case ErrorCode::unauthentic:
      return "unauthentic";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::invalid:
      return "invalid";
    case ErrorCode::mismatch:
      return "mismatch";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::io:
      return "io";
    case ErrorCode::disk_full:
      return "disk_full";
    case ErrorCode::closed:
      return "closed";
    case ErrorCode::unsupported:
      return "unsupported";
  }
  FED_CHECK(false);
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
  return out << name(error.code) << ": " << error.detail;
}

Error within(const std::string& context, Error error) {
  error.detail = context + ": " + error.detail;
  return error;
}

Error from_errno(const std::string& what, int error_number) {
  ErrorCode code = ErrorCode::io;
  if (error_number == ENOSPC || error_number == EDQUOT) code = ErrorCode::disk_full;
  if (error_number == ENOENT) code = ErrorCode::not_found;
  if (error_number == EEXIST) code = ErrorCode::already_exists;
  return {code, what + ": " + std::generic_category().message(error_number)};
}

void fail_check(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: internal error, please report it: %s\n", file, line, condition);
  std::abort();
}

}  // namespace fed
