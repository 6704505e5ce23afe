// What the tests of this folder share: a value that must be there.
#pragma once

#include <catch2/catch.hpp>

#include "base/error.h"

namespace fed::privacy {

// The value, or the end of the test case with the error.
template <class T>
T must(Result<T> result) {
  if (result.has_error()) FAIL(result.error().detail);
  return *std::move(result);
}

// The detail of an error of the code `invalid`; empty for any other outcome.
template <class T>
std::string refusal(const Result<T>& result) {
  const bool refused = result.has_error() && result.error().code == ErrorCode::invalid;
  return refused ? result.error().detail : std::string();
}

}  // namespace fed::privacy
