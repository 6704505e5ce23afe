#include "run_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/log.h"
#include "cli/table.h"
#include "trial.h"

namespace fed::sim {
namespace {

using Json = nlohmann::json;

constexpr auto kBarEvery = std::chrono::milliseconds(100);

// "MEDIAN" or "MEDIAN:SPREAD".
struct Spread {
  double median = 0, spread = 0;
};

std::optional<double> number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0 && value <= 1e12)) return std::nullopt;
  return value;
}

Result<Spread> parse_spread(const std::string& option, const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto median = number(text.substr(0, colon));
  const auto spread = colon == std::string::npos ? 0.0 : number(text.substr(colon + 1));
  if (median && spread && *median > 0) return Spread{*median, *spread};
  return Error{ErrorCode::invalid, "--" + option + " is \"" + text +
                                       "\"; needed: a number above 0, or MEDIAN:SPREAD, where the "
                                       "spread is the standard deviation of the logarithm"};
}

Json data_section(const config::DataSpec& data) {
  if (data.format == config::DataSpec::Format::csv) {
    Json section = {{"format", "csv"}, {"path", data.path.string()}};
    if (!data.label.empty()) section["label"] = data.label;
    return section;
  }
  return {{"format", "idx"}, {"images", data.images.string()}, {"labels", data.labels.string()}};
}

// The job of the file, with test rows for the server where it names none, and as many rounds as was
// asked for.
Result<config::JobSpec> load_job(const cli::Arguments& arguments, const DataPlan& data) {
  const std::string file = arguments.text("job");
  auto spec = config::load_job_file(file);
  if (!spec) return Error{ErrorCode::invalid, config::format_problems(file, spec.error())};
  Json text = Json::parse(spec->text);
  if (data.test && !spec->evaluation.data) text["evaluation"]["data"] = data_section(*data.test);
  if (arguments.has("rounds")) text["rounds"]["max"] = arguments.get<std::int64_t>("rounds");
  if (arguments.has("cohort")) {
    const auto cohort = arguments.get<std::int64_t>("cohort");
    text["rounds"]["cohort"] = cohort;
    text["rounds"]["contributions"] = {{"min", std::max<std::int64_t>(1, cohort * 8 / 10)},
                                       {"goal", cohort}};
  }
  if (arguments.has("noise-multiplier")) {
    if (!spec->privacy) {
      return Error{ErrorCode::invalid, file + " has no section \"privacy\" for --noise-multiplier"};
    }
    text["privacy"]["noise_multiplier"] = arguments.get<double>("noise-multiplier");
  }
  auto changed = config::parse_job(text.dump());
  if (!changed) return Error{ErrorCode::invalid, config::format_problems(file, changed.error())};
  return std::move(*changed);
}

Result<TrialSites> sites_of(const cli::Arguments& arguments) {
  FED_ASSIGN(speed, parse_spread("speed", arguments.text("speed")));
  FED_ASSIGN(link, parse_spread("link-mbit", arguments.text("link-mbit")));
  TrialSites sites;
  sites.rows_per_s = speed.median;
  sites.rows_spread = speed.spread;
  sites.link_mbit = link.median;
  sites.link_spread = link.spread;
  sites.dropout = arguments.get<double>("dropout");
  sites.offline_s = arguments.get<double>("offline-s");
  if (sites.dropout >= 0 && sites.dropout < 1 && sites.offline_s > 0) return sites;
  return Error{ErrorCode::invalid, "--dropout is a share below 1, --offline-s is above 0"};
}

Result<TrialOptions> options_of(const cli::Arguments& arguments) {
  DataChoice choice{.data = arguments.text("data"),
                    .test = arguments.text("test"),
                    .label = arguments.text("label"),
                    .test_fraction = {}};
  if (arguments.has("test-fraction")) choice.test_fraction = arguments.get<double>("test-fraction");
  FED_ASSIGN(data, plan_data(choice));
  TrialOptions options;
  FED_ASSIGN(job, load_job(arguments, data));
  options.job = std::move(job);
  FED_ASSIGN(speeds, sites_of(arguments));
  options.speeds = speeds;
  options.seed = arguments.get<std::uint64_t>("seed");
  const unsigned threads = arguments.get<unsigned>("threads");
  options.threads = threads > 0 ? threads : std::max(1u, std::thread::hardware_concurrency());
  FED_ASSIGN(scheme, data::parse_scheme(arguments.text("scheme")));
  FED_ASSIGN(parts, TrialParts::cut(data.train, scheme, arguments.get<std::int64_t>("clients"),
                                    options.seed));
  options.sites = std::move(parts);
  return options;
}

std::string span(double seconds) {
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.1f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string size(std::uint64_t bytes) {
  const double mega = static_cast<double>(bytes) / 1e6;
  return mega < 1000 ? fmt::format("{:.1f} MB", mega) : fmt::format("{:.2f} GB", mega / 1000);
}

// The server's finding, or else the clients' own.
Json metrics_of(const TrialRound& round) {
  const Json all = Json::parse(round.metrics, nullptr, false);
  for (const char* whose : {"server", "clients"}) {
    if (all.is_object() && all.contains(whose)) return all[whose];
  }
  return Json::object();
}

// Rounds as they come, for people or as lines of JSON.
class Display {
 public:
  Display(const config::JobSpec& job, bool json)
      : job_(job), json_(json), live_(!json && ::isatty(STDERR_FILENO) == 1) {}

  void committed(const TrialRound& round) {
    clear();
    if (json_) return print_json(round);
    const Json metrics = metrics_of(round);
    std::string found;
    for (const char* name : {"accuracy", "loss", "auc", "rmse"}) {
      if (metrics.contains(name))
        found += fmt::format("  {} {:.4f}", name, metrics[name].get<double>());
    }
    if (round.epsilon) found += fmt::format("  epsilon {:.3f}", *round.epsilon);
    // No round of an asynchronous job asks anybody: updates come in from tasks of earlier ones too.
    const std::string of = job_.rounds.staleness.max > 0 ? "" : fmt::format(" of {}", round.asked);
    fmt::print("round {:>4}/{}  {:>4}{} updates{}  {}  up {}  down {}{}\n", round.round,
               job_.rounds.max, round.accepted, of, found, span(round.committed_s - round.begun_s),
               size(round.bytes_up), size(round.bytes_down),
               round.attempts > 1 ? fmt::format("  ({} attempts)", round.attempts) : "");
    std::fflush(stdout);
  }

  void moment(const TrialMoment& moment) {
    if (!live_) return;
    const auto at = std::chrono::steady_clock::now();
    if (at - shown_ < kBarEvery) return;
    shown_ = at;
    fmt::print(stderr, "\r\x1b[K{} round {}/{}  {} simulated",
               cli::progress_bar(moment.round - 1, job_.rounds.max), moment.round, job_.rounds.max,
               span(moment.simulated_s));
  }

  void clear() const {
    if (live_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  static void print_json(const TrialRound& round) {
    Json line = {{"event", "round"},
                 {"round", round.round},
                 {"attempts", round.attempts},
                 {"accepted", round.accepted},
                 {"discarded", round.discarded},
                 {"simulated_s", round.committed_s},
                 {"bytes_up", round.bytes_up},
                 {"bytes_down", round.bytes_down},
                 {"metrics", Json::parse(round.metrics, nullptr, false)}};
    if (round.asked > 0) line["asked"] = round.asked;
    if (round.epsilon) line["epsilon"] = *round.epsilon;
    fmt::print("{}\n", line.dump());
    std::fflush(stdout);
  }

  const config::JobSpec& job_;
  const bool json_, live_;
  std::chrono::steady_clock::time_point shown_{};
};

void print(const TrialResult& result, double took_s) {
  fmt::print("\nthe job has {}{}{}\n", result.state == "finished" ? "finished" : "ended: ",
             result.state == "finished" ? "" : result.state,
             result.detail.empty() ? "" : " (" + result.detail + ")");
  if (result.best_version) {
    fmt::print("best          version {}: {:.4f}\n", *result.best_version,
               result.best_value.value_or(0));
  }
  fmt::print("took          {} simulated, {} here, {} events\n", span(result.simulated_s),
             span(took_s), result.events);
  fmt::print("moved         {} up, {} down\n", size(result.bytes_up), size(result.bytes_down));
  fmt::print("went wrong    {} attempts at a round, {} sites left in the middle of a task\n",
             result.attempts_abandoned, result.dropouts);
  fmt::print("last version  {}, of checksum {}\n", result.version, to_hex(result.model));
}

void print_json(const TrialResult& result, double took_s) {
  Json line = {{"event", "end"},
               {"state", result.state},
               {"detail", result.detail},
               {"version", result.version},
               {"simulated_s", result.simulated_s},
               {"took_s", took_s},
               {"events", result.events},
               {"bytes_up", result.bytes_up},
               {"bytes_down", result.bytes_down},
               {"attempts_abandoned", result.attempts_abandoned},
               {"dropouts", result.dropouts},
               {"checksum", to_hex(result.model)}};
  if (result.best_version) line["best"] = {{"version", *result.best_version}};
  if (result.best_value) line["best"]["value"] = *result.best_value;
  fmt::print("{}\n", line.dump());
}

int run(const cli::Arguments& arguments) {
  log::set_up(log::Level::error, log::Format::text);
  const auto begun = std::chrono::steady_clock::now();
  const auto options = options_of(arguments);
  if (!options) return cli::fail(arguments, options.error(), cli::bad_usage);
  Display display(options->job, arguments.json());
  const TrialWatch watch{[&](const TrialRound& round) { display.committed(round); },
                         [&](const TrialMoment& moment) { display.moment(moment); }};
  const auto result = run_trial(*options, watch, arguments.text("output"));
  display.clear();
  if (!result) return cli::fail(arguments, result.error());
  const double took_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  if (arguments.json()) {
    print_json(*result, took_s);
  } else {
    print(*result, took_s);
  }
  return result->state == "finished" ? cli::done : cli::refused;
}

void add_options(cli::options::options_description& options) {
  const auto text = [] { return cli::options::value<std::string>(); };
  options.add_options()(
      "data", text()->required(),
      "what is dealt to the clients: a folder with train-images... and train-labels..., csv:FILE "
      "or idx:IMAGES,LABELS")(
      "test", text(),
      "test rows for the server, named alike; default: the t10k or test files of "
      "the folder")("label", text()->default_value("label"), "csv: the column of the class")(
      "test-fraction", cli::options::value<double>(),
      "of its rows, what each client keeps for tests")(
      "clients", cli::options::value<std::int64_t>()->required(), "how many")(
      "scheme", text()->default_value("iid"),
      "iid, dirichlet:A (smaller A: less alike) or labels:K (K classes a client)")(
      "seed", cli::options::value<std::uint64_t>()->default_value(1),
      "the same seed, the same bits")("speed", text()->default_value("1000"),
                                      "rows a second that a client trains on, MEDIAN[:SPREAD]")(
      "link-mbit", text()->default_value("100"), "of a client's link, each way, MEDIAN[:SPREAD]")(
      "dropout", cli::options::value<double>()->default_value(0),
      "share of the tasks in which the client goes away")(
      "offline-s", cli::options::value<double>()->default_value(300), "how long it stays away")(
      "rounds", cli::options::value<std::int64_t>(), "instead of the job's rounds.max")(
      "cohort", cli::options::value<std::int64_t>(), "instead of the job's rounds.cohort")(
      "noise-multiplier", cli::options::value<double>(),
      "instead of the job's privacy.noise_multiplier")(
      "threads", cli::options::value<unsigned>()->default_value(0), "0: all of the machine")(
      "output", text(), "a file for the last version, .safetensors or .npz");
}

}  // namespace

cli::Command run_command() {
  return {"run",
          "JOB --data FOLDER --clients N [--scheme iid|dirichlet:A|labels:K]",
          "try a job out: really train with virtual clients, at simulated speeds",
          add_options,
          {"job"},
          run};
}

}  // namespace fed::sim
