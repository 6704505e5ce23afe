// What the client's tests share: a folder of a test's own, and Results that Catch can print.
#pragma once

#include <catch2/catch.hpp>

#include "base/error.h"
#include "support/folder.h"

namespace fed::test {

using Scratch = Folder;

}  // namespace fed::test

// Boost's operator<< for results does not compile where the value has none.
template <class T>
struct Catch::StringMaker<boost::system::result<T, fed::Error>> {
  static std::string convert(const boost::system::result<T, fed::Error>& result) {
    return result ? "a value" : "error: " + result.error().detail;
  }
};
