// A folder for one test, removed with all that is in it.
#pragma once

#include <cstdlib>
#include <string>
#include <system_error>

#include "base/file.h"

namespace fed::test {

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "fed-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

}  // namespace fed::test
