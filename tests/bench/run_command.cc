#include "run_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "clocks.h"
#include "machine.h"
#include "options.h"
#include "progress.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr double kQuickEffort = 0.02;

// "a,c,d" or "acd"; empty: all.
Result<std::set<std::string>> chosen(const std::string& text) {
  std::set<std::string> letters;
  for (const char letter : text) {
    if (letter == ',' || letter == ' ') continue;
    letters.insert(std::string(1, letter));
  }
  for (const std::string& letter : letters) {
    const auto all = workloads();
    const bool known = std::any_of(all.begin(), all.end(),
                                   [&](const Workload& each) { return letter == each.letter; });
    if (!known) {
      return Error{ErrorCode::invalid,
                   "there is no workload \"" + letter + "\"; see `fedbench run --help`"};
    }
  }
  return {boost::system::in_place_value, std::move(letters)};
}

// One after the other. True if none failed.
bool run_all(Bench& bench, const std::vector<Workload>& chosen) {
  bool good = true;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const Workload& each = chosen[i];
    show_progress(static_cast<double>(i) / static_cast<double>(chosen.size()),
                  fmt::format("({}) {}", each.letter, each.title));
    const Stopwatch watch;
    const Status done = each.run(bench);
    bench.report.raw(each.letter)["took_s"] = watch.seconds();
    if (done) continue;
    good = false;
    bench.report.skip(each.letter, "it failed: " + done.error().detail);
  }
  clear_progress();
  return good;
}

int run(const cli::Arguments& arguments) {
  const auto letters = chosen(arguments.text("only"));
  if (!letters) return cli::fail(arguments, letters.error(), cli::bad_usage);
  auto workspace = make_workspace(arguments);
  if (!workspace) return cli::fail(arguments, workspace.error());
  const bool quick = arguments.has("quick");
  MachineLimits limits(quick ? kQuickEffort : 1);
  Report report;
  Bench bench{server_program(arguments), **workspace, limits, report, quick};
  std::vector<Workload> selected;
  for (const Workload& each : workloads()) {
    if (letters->empty() || letters->contains(each.letter)) selected.push_back(each);
  }
  const Machine machine = describe_machine((*workspace)->folder());
  const Stopwatch watch;
  const bool good = run_all(bench, selected);
  if (arguments.json()) {
    Json json = report.to_json();
    json["machine"] = machine.to_json();
    json["quick"] = quick;
    json["took_s"] = watch.seconds();
    fmt::print("{}\n", json.dump(2));
  } else {
    fmt::print("{}{}{:.0f} s in all{}\n", machine.to_text(), report.to_text(), watch.seconds(),
               quick ? "; tiny sizes: these figures say nothing" : "");
  }
  return good ? cli::done : cli::refused;
}

}  // namespace

cli::Command run_command() {
  return {"run",
          "[--only a,c,d] [--quick] [--state DIR]",
          "measure: a table of figures, each beside the limit measured in the same run",
          [](cli::options::options_description& options) {
            auto add = options.add_options();
            add("only", cli::options::value<std::string>(), "these workloads, by their letters");
            add("quick", "tiny sizes: shows that everything works, and measures nothing");
            add_common_options(options);
          },
          {},
          run};
}

}  // namespace fed::bench
