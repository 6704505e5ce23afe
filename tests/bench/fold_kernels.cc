// Workload (h): the rules that join updates, on ten updates of ten million coordinates in memory.
#include <fmt/format.h>

#include <thread>

#include "aggregate/fold.h"
#include "clocks.h"
#include "numbers.h"
#include "update.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr std::size_t kUpdates = 10;
constexpr double kMilliseconds = 1e3;
constexpr int kRepeats = 5;
constexpr double kUpdateLimit = 64;

using Updates = std::vector<std::vector<float>>;

Updates make_updates(std::uint64_t coordinates) {
  Updates updates;
  for (std::size_t i = 0; i < kUpdates; ++i) updates.push_back(update_values(coordinates));
  return updates;
}

// One pass of a rule over all tiles, as the fold makes it, with updates that are in memory.
void aggregate(const aggregate::Rule& rule, const aggregate::Grid& grid, const Updates& updates) {
  const std::size_t coordinates = updates.front().size();
  const auto aggregator = rule.make(grid, aggregate::kTile);
  std::vector<double> tile(aggregate::kTile);
  std::vector<aggregate::Term> terms(updates.size());
  for (std::size_t at = 0; at < coordinates; at += aggregate::kTile) {
    const std::size_t size = std::min(aggregate::kTile, coordinates - at);
    aggregator->reset(grid, size);
    for (std::size_t i = 0; i < updates.size(); ++i) {
      terms[i] = {std::span(updates[i]).subspan(at, size), grid.round_weight(1)};
    }
    aggregator->accumulate(terms);
    aggregator->report(std::span(tile).first(size));
  }
}

// The median of some repetitions, CPU seconds of this thread.
template <class Step>
double cpu_of(Step step) {
  std::vector<double> each;
  for (int i = 0; i < kRepeats; ++i) {
    const double begin = thread_cpu_seconds();
    step();
    each.push_back(thread_cpu_seconds() - begin);
  }
  return median(each);
}

struct FoldCost {
  double wall = 0, cpu = 0;
};

// The whole closing: files in the page cache, all cores, the server optimizer's step.
Result<FoldCost> fold_files(Bench& bench, const aggregate::Grid& grid, std::uint64_t coordinates) {
  const fs::path folder = bench.workspace.fresh("updates");
  const std::vector<float> values = update_values(coordinates);
  std::vector<File> files;
  std::vector<aggregate::Contribution> contributions;
  for (std::size_t i = 0; i < kUpdates; ++i) {
    FED_ASSIGN(file, File::open_to_write(folder / std::to_string(i)));
    FED_TRY(file.write_at(0, as_bytes(std::span<const float>(values))));
    files.push_back(std::move(file));
  }
  for (const File& file : files) contributions.push_back({&file, 1});
  FED_ASSIGN(rule, aggregate::find_rule("mean"));
  FED_ASSIGN(optimizer, aggregate::make_server_optimizer({.type = "sgd", .learning_rate = 1}));
  const tensor::Floats weights(coordinates);
  const aggregate::OptimizerState state;
  aggregate::TilePool pool(std::max(1U, std::thread::hardware_concurrency()));
  std::vector<double> walls, cpus;
  for (int i = 0; i < kRepeats; ++i) {
    const double cpu = process_cpu_seconds();
    const Stopwatch watch;
    FED_TRY(aggregate::fold({.weights = weights,
                             .state = &state,
                             .contributions = contributions,
                             .grid = grid,
                             .rule = rule,
                             .optimizer = optimizer.get()},
                            pool.parallel_for()));
    walls.push_back(watch.seconds());
    cpus.push_back(process_cpu_seconds() - cpu);
  }
  files.clear();
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  return FoldCost{median(walls), median(cpus)};
}

}  // namespace

Status run_fold_kernels(Bench& bench) {
  bench.limits.forget();
  const auto coordinates = bench.sized<std::uint64_t>(10'000'000, 100'000);
  FED_ASSIGN(grid, aggregate::Grid::make(kUpdates, kUpdateLimit));
  const Updates updates = make_updates(coordinates);
  const double bytes = static_cast<double>(coordinates) * kUpdates * sizeof(float);
  const double reading = bench.limits.read_memory() * bytes;
  Json& json = bench.report.raw("h");
  for (const aggregate::Rule& rule : aggregate::rules()) {
    const std::string name(rule.name);
    const double took = cpu_of([&] { aggregate(rule, grid, updates); });
    bench.report.add({"h", name + ", 10 million x 10, one thread", took * kMilliseconds, "ms",
                      "reading the updates once", reading * kMilliseconds,
                      name == "mean" ? std::optional(Bar{Bar::Sense::at_most, 1.3}) : std::nullopt,
                      ""});
    json[name + "_s"] = took;
  }
  FED_ASSIGN(files, fold_files(bench, grid, coordinates));
  bench.report.add({"h", "closing with mean, from files, all cores, CPU", files.cpu * kMilliseconds,
                    "ms", "reading the updates once", reading * kMilliseconds, std::nullopt,
                    fmt::format("{:.0f} ms of wall; page cache to tile, checks, sum, step of the "
                                "server optimizer",
                                files.wall * kMilliseconds)});
  json["closing_wall_s"] = files.wall;
  json["closing_cpu_s"] = files.cpu;
  json["limits"] = bench.limits.to_json();
  return {};
}

}  // namespace fed::bench
