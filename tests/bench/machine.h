// What the figures were measured on.
#pragma once

#include "base/file.h"
#include "report.h"

namespace fed::bench {

struct Machine {
  std::string processor;
  unsigned cores = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_available_bytes = 0;
  std::string disk;  // file system and device of the folder that the run works in
  std::uint64_t disk_bytes_free = 0;
  std::string kernel;

  std::string to_text() const;
  Json to_json() const;
};

Machine describe_machine(const fs::path& folder);

}  // namespace fed::bench
