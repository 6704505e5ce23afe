#include "app/config_file.h"

#include <iostream>
#include <nlohmann/json.hpp>

namespace fed::app {

void add_config_option(cli::options::options_description& options) {
  options.add_options()("config", cli::options::value<std::string>()->required(),
                        "the client file that `fedclient join` wrote");
}

std::optional<config::ClientSpec> load_config(const cli::Arguments& arguments) {
  const std::string file = arguments.text("config");
  auto spec = config::load_client_file(file);
  if (spec) return std::move(*spec);
  fail(arguments, file, spec.error());
  return std::nullopt;
}

int fail(const cli::Arguments& arguments, const std::string& file,
         const config::Problems& problems) {
  if (!arguments.json()) {
    std::cerr << config::format_problems(file, problems);
    return cli::bad_usage;
  }
  nlohmann::json list = nlohmann::json::array();
  for (const config::Problem& problem : problems) {
    list.push_back({{"pointer", problem.pointer}, {"message", problem.message}});
  }
  const nlohmann::json answer = {{"error", "invalid"},
                                 {"detail", config::format_problems(file, problems)},
                                 {"file", file},
                                 {"problems", list}};
  std::cerr << answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  return cli::bad_usage;
}

}  // namespace fed::app
