#include <iostream>

#include "app/commands.h"
#include "crypto/init.h"

int main(int argc, char** argv) {
  fed::crypto::init();
  if (!fed::crypto::forbid_dumps()) std::cerr << "this process's memory may be dumped\n";
  fed::cli::Program program{"fedserver", "a federated-learning parameter server", {}};
  for (auto& command : fed::app::local_commands()) program.commands.push_back(std::move(command));
  for (auto& command : fed::app::remote_commands()) program.commands.push_back(std::move(command));
  return fed::cli::run(program, argc, argv);
}
