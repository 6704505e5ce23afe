#include "soak_command.h"

#include <fmt/format.h>

#include "machine.h"
#include "options.h"
#include "progress.h"
#include "soak.h"

namespace fed::bench {
namespace {

constexpr double kMegabyte = 1e6;

Json series(const std::vector<Reading>& readings) {
  Json json = Json::array();
  for (const Reading& each : readings) json.push_back({each.at_s, each.value});
  return json;
}

Json to_json(const Soak& soak) {
  return {{"flat", soak.flat()},
          {"growth", growth(soak.resident)},
          {"bytes_per_second", slope(soak.resident)},
          {"descriptors_before", soak.descriptors_before},
          {"descriptors_after", soak.descriptors_after},
          {"disconnects", soak.disconnects},
          {"answers", soak.answers},
          {"resident", series(soak.resident)},
          {"descriptors", series(soak.descriptors)}};
}

std::string to_text(const Soak& soak) {
  double most = 0;
  for (const Reading& each : soak.resident) most = std::max(most, each.value);
  return fmt::format(
      "{} disconnects, {} updates answered\n"
      "memory: {:.1f} MB at the most; the last quarter is {:+.1f} % of the second one: {}\n"
      "open descriptors: {} before, {} after: {}\n",
      soak.disconnects, soak.answers, most / kMegabyte, growth(soak.resident) * 100,
      soak.flat() ? "flat" : "IT GROWS", soak.descriptors_before, soak.descriptors_after,
      soak.let_go() ? "none is left open" : "SOME ARE LEFT OPEN");
}

int run(const cli::Arguments& arguments) {
  const auto minutes = arguments.get<double>("minutes");
  if (minutes <= 0 || minutes > 7 * 24 * 60) {
    return cli::fail(arguments, {ErrorCode::invalid, "--minutes is above 0 and at most 10080"},
                     cli::bad_usage);
  }
  auto workspace = make_workspace(arguments);
  if (!workspace) return cli::fail(arguments, workspace.error());
  SoakPlan plan{.seconds = minutes * 60, .seed = arguments.get<std::uint64_t>("seed")};
  plan.progress = [](double share) { show_progress(share, "soaking"); };
  const auto server =
      ServerProcess::start(server_program(arguments), **workspace, plan.clients, {});
  if (!server) return cli::fail(arguments, server.error());
  const auto done = soak(**server, plan);
  clear_progress();
  if (!done) return cli::fail(arguments, done.error());
  fmt::print("{}", arguments.json() ? to_json(*done).dump(2) + "\n" : to_text(*done));
  return done->flat() && done->let_go() ? cli::done : cli::refused;
}

}  // namespace

cli::Command soak_command() {
  return {"soak",
          "[--minutes N] [--seed S] [--state DIR]",
          "random disconnects for a while: memory must stay flat, no descriptor may be left open",
          [](cli::options::options_description& options) {
            auto add = options.add_options();
            add("minutes", cli::options::value<double>()->default_value(10), "how long");
            add("seed", cli::options::value<std::uint64_t>()->default_value(1),
                "of who is disconnected when");
            add_common_options(options);
          },
          {},
          run};
}

}  // namespace fed::bench
