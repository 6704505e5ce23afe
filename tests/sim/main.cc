// fedsim: see README.md in this folder.
#include <cstdlib>

#include "chaos_command.h"
#include "crypto/init.h"
#include "run_command.h"
#include "tensor/kernels.h"

int main(int argc, char** argv) {
  ::setenv("TZ", "UTC", 1);  // sites have hours: the same on every machine
  fed::crypto::init();
  fed::tensor::use_single_thread();
  const fed::cli::Program program{
      "fedsim",
      "the real server and clients in one process, with simulated time, network and disks",
      {fed::sim::run_command(), fed::sim::chaos_command()}};
  return fed::cli::run(program, argc, argv);
}
