// A state folder on a simulated disk, whose files tests read, write and lose.
#pragma once

#include <string>

#include "sim/sim_disk.h"

namespace fed::test {

struct StateDisk {
  sim::SimDisk disk{{.seed = 1}};

  StateDisk() { make_durable_folder(disk, "/state", Durability::power).value(); }
  std::string text(const fs::path& file) {
    const Bytes bytes = read_file(disk, file, 1 << 20).value();
    return {bytes.begin(), bytes.end()};
  }
  void write(const fs::path& file, const std::string& text) {
    replace_file(disk, file, view(text), Durability::power).value();
  }
  // The machine loses its power and comes back.
  void cut_power() {
    disk.stop();
    disk.restart(sim::Crash::power);
  }
  // No byte more than there is.
  void fill_up() { disk.set_faults({.bytes_max = disk.bytes_used(), .fail_at = {}}); }
  void fail_operation(std::uint64_t next) {
    disk.set_faults({.fail_at = {disk.operations() + next}});
  }
};

}  // namespace fed::test
