#include <chrono>
#include <iostream>
#include <thread>

#include "app/admin_client.h"
#include "app/commands.h"
#include "app/render.h"
#include "config/job.h"
#include "config/server.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;
namespace po = cli::options;

constexpr auto kWatchInterval = std::chrono::milliseconds(500);
constexpr const char* kClearScreen = "\x1b[H\x1b[2J";

Result<fs::path> socket_path(const cli::Arguments& arguments) {
  if (arguments.has("socket")) return fs::path(arguments.text("socket"));
  if (!arguments.has("config")) return config::ServerSpec().admin_socket;
  const auto spec = config::load_server_file(arguments.text("config"));
  if (!spec) {
    return Error{ErrorCode::malformed,
                 config::format_problems(arguments.text("config"), spec.error())};
  }
  return spec->admin_socket;
}

int status_of(const Error& error, bool connected) {
  if (error.code == ErrorCode::malformed) return cli::bad_usage;
  return !connected && error.code == ErrorCode::closed ? cli::no_daemon : cli::refused;
}

// Asks, and prints the answer: as it is with --json, else through `render`. `judge` says with which
// status to end.
template <class Render, class Judge>
int ask(const cli::Arguments& arguments, const Json& request, const Render& render,
        const Judge& judge) {
  const auto path = socket_path(arguments);
  if (!path) return cli::fail(arguments, path.error(), cli::bad_usage);
  auto client = AdminClient::connect(*path);
  if (!client) return cli::fail(arguments, client.error(), status_of(client.error(), false));
  const auto answer = client->ask(request);
  if (!answer) return cli::fail(arguments, answer.error(), status_of(answer.error(), true));
  std::cout << (arguments.json() ? answer->dump() + "\n" : render(*answer)) << std::flush;
  return judge(*answer);
}

template <class Render>
int ask(const cli::Arguments& arguments, const Json& request, const Render& render) {
  return ask(arguments, request, render, [](const Json&) { return cli::done; });
}

// "90s", "30m", "24h", "7d", or seconds.
Result<std::int64_t> duration_seconds(const std::string& text) {
  const std::string units = "smhd";
  constexpr std::int64_t kSeconds[] = {1, 60, 3600, 86400};
  const Error bad{ErrorCode::invalid,
                  "--expires \"" + text + "\": allowed are 90s, 30m, 24h, 7d and the like"};
  if (text.empty()) return bad;
  const auto unit = units.find(text.back());
  const std::string digits = unit == std::string::npos ? text : text.substr(0, text.size() - 1);
  if (digits.empty() || digits.size() > 9 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return bad;
  const std::int64_t count = std::stoll(digits);
  if (count == 0) return bad;
  return count * (unit == std::string::npos ? 1 : kSeconds[unit]);
}

int invite(const cli::Arguments& arguments) {
  const auto valid = duration_seconds(arguments.text("expires"));
  if (!valid) return cli::fail(arguments, valid.error(), cli::bad_usage);
  const Json request = {
      {"command", "invite"}, {"name", arguments.text("name")}, {"valid_s", *valid}};
  return ask(arguments, request, [](const Json& answer) {
    const std::string address = answer["address"];
    if (address.starts_with("0.0.0.0:") || address.starts_with("[::]:")) {
      std::cerr << "The code names " << address
                << ", which other machines cannot reach: set \"advertise\" in "
                << "server.json to the address that clients are to use.\n";
    }
    return answer["code"].get<std::string>() + "\n";
  });
}

int submit(const cli::Arguments& arguments) {
  const std::string file = arguments.text("file");
  const auto spec = config::load_job_file(file);
  if (!spec) {
    if (arguments.json()) {
      return cli::fail(arguments, {ErrorCode::invalid, config::format_problems(file, spec.error())},
                       cli::bad_usage);
    }
    std::cerr << config::format_problems(file, spec.error());
    return cli::bad_usage;
  }
  return ask(arguments, {{"command", "submit"}, {"job", spec->text}}, [](const Json& answer) {
    const std::string name = answer["job"];
    std::string text = "job " + name + " submitted; see `fedserver why " + name + "`\n";
    for (const Json& note : answer.value("notes", Json::array()))
      text += "note: " + note.get<std::string>() + "\n";
    return text;
  });
}

int export_model(const cli::Arguments& arguments) {
  const fs::path output = arguments.text("output");
  const auto path = socket_path(arguments);
  if (!path) return cli::fail(arguments, path.error(), cli::bad_usage);
  auto client = AdminClient::connect(*path);
  if (!client) return cli::fail(arguments, client.error(), status_of(client.error(), false));
  Json request = {{"command", "export"},
                  {"job", arguments.text("job")},
                  {"extension", output.extension().string()},
                  {"best", arguments.has("best")}};
  if (arguments.has("round")) request["round"] = arguments.get<std::int64_t>("round");
  const auto answer = client->ask(request);
  if (!answer) return cli::fail(arguments, answer.error(), status_of(answer.error(), true));
  const Status received = client->receive_file((*answer)["bytes"], output);
  if (!received) return cli::fail(arguments, received.error());
  if (arguments.json()) {
    std::cout << Json{{"version", (*answer)["version"]}, {"file", output.string()}}.dump() << "\n";
  } else {
    std::cout << "round " << (*answer)["version"] << " written to " << output.string() << "\n";
  }
  return cli::done;
}

int replay(const cli::Arguments& arguments) {
  const std::string round = arguments.text("round");
  const bool is_number = !round.empty() && round.size() <= 9 &&
                         round.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number) {
    return cli::fail(arguments, {ErrorCode::invalid, "\"" + round + "\" is no number of a round"},
                     cli::bad_usage);
  }
  const Json request = {
      {"command", "replay"}, {"job", arguments.text("job")}, {"round", std::stoll(round)}};
  return ask(arguments, request, render_replay, [](const Json& answer) {
    return answer["agrees"].get<bool>() ? cli::done : cli::refused;
  });
}

int privacy(const cli::Arguments& arguments) {
  const auto words = arguments.get<std::vector<std::string>>("words");
  if (words.size() == 1 && words[0] == "plan") return plan_privacy(arguments);
  if (words.size() == 2 && words[0] == "show") {
    return ask(arguments, {{"command", "privacy"}, {"job", words[1]}}, render_privacy);
  }
  return cli::fail(arguments,
                   {ErrorCode::invalid,
                    "ask `fedserver privacy plan`, what noise promises or a promise needs, or "
                    "`fedserver privacy show JOB`, what a job has spent"},
                   cli::bad_usage);
}

int status(const cli::Arguments& arguments) {
  const Json request = {{"command", "status"}};
  if (!arguments.has("watch")) return ask(arguments, request, render_status);
  while (true) {
    const int result = ask(arguments, request,
                           [](const Json& answer) { return kClearScreen + render_status(answer); });
    if (result != cli::done) return result;
    std::this_thread::sleep_for(kWatchInterval);
  }
}

using Options = po::options_description;

cli::Command remote(std::string name, std::string operands, std::string summary,
                    std::vector<std::string> positional,
                    std::function<int(const cli::Arguments&)> run,
                    std::function<void(Options&)> more = {}) {
  return {std::move(name),
          std::move(operands),
          std::move(summary),
          [more = std::move(more)](Options& add) {
            if (more) more(add);
            add.add_options()("config", po::value<std::string>(),
                              "the daemon's config file, to find its socket")(
                "socket", po::value<std::string>(), "the daemon's admin socket");
          },
          std::move(positional),
          std::move(run)};
}

// A command about one job whose answer is no more than that it was done.
cli::Command order(const std::string& name, const std::string& summary, const std::string& done) {
  return remote(name, "JOB", summary, {"job"}, [name, done](const cli::Arguments& arguments) {
    const std::string job = arguments.text("job");
    return ask(arguments, {{"command", name}, {"job", job}},
               [&](const Json&) { return "job " + job + " " + done + "\n"; });
  });
}

template <class Render>
cli::Command question(const std::string& name, const std::string& summary, bool about_job,
                      Render render) {
  return remote(
      name, about_job ? "JOB" : "", summary,
      about_job ? std::vector<std::string>{"job"} : std::vector<std::string>{},
      [name, render](const cli::Arguments& arguments) {
        return ask(arguments, {{"command", name}, {"job", arguments.text("job")}}, render);
      });
}

}  // namespace

std::vector<cli::Command> remote_commands() {
  return {
      remote("invite", "NAME", "print a join code for a new client", {"name"}, invite,
             [](Options& add) {
               add.add_options()("expires", po::value<std::string>()->default_value("24h"),
                                 "how long the code is good for: 30m, 24h, 7d");
             }),
      question("clients", "who may connect, and who is connected", false, render_clients),
      remote("revoke", "NAME", "end a client's right to connect, at once", {"name"},
             [](const cli::Arguments& arguments) {
               const std::string name = arguments.text("name");
               return ask(arguments, {{"command", "revoke"}, {"name", name}},
                          [&](const Json&) { return "client " + name + " is revoked\n"; });
             }),
      remote("submit", "JOB.json", "start a job", {"file"}, submit),
      question("jobs", "all jobs", false, render_jobs),
      question("show", "a job's file and all its rounds", true, render_show),
      order("pause", "no new tasks until it is resumed", "is paused"),
      order("resume", "go on with a paused job", "goes on"),
      order("cancel", "end a job for good; its models are kept", "is cancelled"),
      remote(
          "status", "", "rounds, progress and metrics of all jobs", {}, status,
          [](Options& add) { add.add_options()("watch", "again and again, until interrupted"); }),
      question("why", "what the round at work is waiting for, client by client", true, render_why),
      remote("export", "JOB --output FILE", "write a global model as .safetensors or .npz", {"job"},
             export_model,
             [](Options& add) {
               add.add_options()("output", po::value<std::string>()->required(),
                                 "the file to write")("round", po::value<std::int64_t>(),
                                                      "the model of this round (the last one)")(
                   "best", "the model with the best metric");
             }),
      remote("replay", "JOB ROUND",
             "make a round's model again from what was kept of it, and compare", {"job", "round"},
             replay),
      remote("privacy", "plan|show [JOB]",
             "what noise promises or a promise needs; what a job has spent", {"words..."}, privacy,
             add_plan_options),
      remote("drain", "", "finish the rounds at work, take no new work, then stop", {},
             [](const cli::Arguments& arguments) {
               return ask(arguments, {{"command", "drain"}},
                          [](const Json&) { return std::string("drained; the daemon stops\n"); });
             }),
  };
}

}  // namespace fed::app
