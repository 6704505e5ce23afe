// A file that is gone when the test is over.
#pragma once

#include <unistd.h>

#include <string>

#include "base/file.h"

namespace fed::tensor {

struct ScratchFile {
  explicit ScratchFile(const std::string& name)
      : path(fs::temp_directory_path() / ("fed_tensor_" + std::to_string(getpid()) + "_" + name)) {}
  ~ScratchFile() { fs::remove(path); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  fs::path path;
};

// Runs one of this folder's scripts with Debian's Python, which has numpy; its exit status.
inline int run_python(const std::string& script, const fs::path& argument) {
  const std::string command =
      "/usr/bin/python3 " FED_TEST_FOLDER "/" + script + " '" + argument.string() + "'";
  return std::system(command.c_str());
}

}  // namespace fed::tensor
