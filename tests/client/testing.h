// What the client's tests share: a folder of a test's own, and Results that Catch can print.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/file.h"

namespace fed::test {

class Scratch {
 public:
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "fed-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace fed::test

// Boost's operator<< for results does not compile where the value has none.
template <class T>
struct Catch::StringMaker<boost::system::result<T, fed::Error>> {
  static std::string convert(const boost::system::result<T, fed::Error>& result) {
    return result ? "a value" : "error: " + result.error().detail;
  }
};
