// fedbench: see README.md in this folder.
#include <vector>

#include "base/log.h"
#include "crypto/init.h"
#include "run_command.h"
#include "soak_command.h"
#include "tensor/kernels.h"

int main(int argc, char** argv) {
  fed::crypto::init();
  fed::tensor::use_single_thread();
  fed::log::set_up(fed::log::Level::error, fed::log::Format::text);
  const fed::cli::Program program{"fedbench",
                                  "what the real server costs, beside what the machine can do",
                                  {fed::bench::run_command(), fed::bench::soak_command()}};
  // `fedbench --quick` is `fedbench run --quick`.
  std::vector<const char*> arguments(argv, argv + argc);
  const std::string_view first = argc > 1 ? argv[1] : "";
  const bool about_itself = first == "--help" || first == "-h" || first == "--version";
  if (argc == 1 || (first.starts_with("-") && !about_itself)) {
    arguments.insert(arguments.begin() + 1, "run");
  }
  return fed::cli::run(program, static_cast<int>(arguments.size()), arguments.data());
}
