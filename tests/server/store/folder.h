// A temporary folder for one test, removed with all it holds.
#pragma once

#include <stdlib.h>

#include <string>

#include "base/file.h"

namespace fed::store::testing {

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

inline Bytes content(const fs::path& path) { return read_file(path, 1 << 24).value(); }

}  // namespace fed::store::testing
