#include "options.h"

#include <cstdlib>

namespace fed::bench {

void add_common_options(cli::options::options_description& options) {
  const auto text = [] { return cli::options::value<std::string>(); };
  auto add = options.add_options();
  add("state", text(), "a folder on a real disk to work in ($TMPDIR, or /var/tmp)");
  add("server", text(), "the fedserver to measure (the one beside this program)");
}

Result<std::unique_ptr<Workspace>> make_workspace(const cli::Arguments& arguments) {
  const char* temporary = std::getenv("TMPDIR");
  const fs::path parent = arguments.has("state") ? fs::path(arguments.text("state"))
                          : temporary != nullptr ? fs::path(temporary)
                                                 : fs::path("/var/tmp");
  std::error_code error;
  const fs::path folder = fs::absolute(parent, error);
  FED_TRY(make_folder(folder));
  return Workspace::make(folder);
}

fs::path server_program(const cli::Arguments& arguments) {
  if (arguments.has("server")) return fs::absolute(arguments.text("server"));
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path() / "fedserver";
}

}  // namespace fed::bench
