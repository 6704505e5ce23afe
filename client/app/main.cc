// fedclient: see README.md in this folder.
#include <iostream>

#include "app/client_commands.h"
#include "crypto/init.h"

int main(int argc, char** argv) {
  fed::crypto::init();
  if (!fed::crypto::forbid_dumps()) std::cerr << "this process's memory may be dumped\n";
  const fed::cli::Program program{
      "fedclient",
      "trains a federated model on the data of this machine, which never leaves it",
      {fed::app::join_command(), fed::app::check_command(), fed::app::run_command(),
       fed::app::evaluate_command(), fed::app::predict_command(), fed::app::status_command(),
       fed::app::roster_command(), fed::app::key_command(), fed::app::split_command()}};
  return fed::cli::run(program, argc, argv);
}
