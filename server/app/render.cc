#include "app/render.h"

#include <fmt/format.h>

#include <ctime>
#include <limits>
#include <vector>

#include "cli/table.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kRoundsShown = 8;

std::string time_text(const Json& object, const char* key) {
  const auto entry = object.find(key);
  if (entry == object.end() || entry->get<std::int64_t>() == 0) return "-";
  const std::time_t time = entry->get<std::int64_t>();
  std::tm local{};
  ::localtime_r(&time, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

std::string number(const Json& object, const char* key) {
  const auto entry = object.find(key);
  if (entry == object.end()) return "-";
  if (entry->is_number_float()) return fmt::format("{:.4f}", entry->get<double>());
  return entry->dump();
}

std::string metric_of(const Json& round, const std::string& source, const std::string& metric) {
  const auto metrics = round.find("metrics");
  if (metrics == round.end() || !metrics->contains(source)) return "-";
  return number((*metrics)[source], metric.c_str());
}

std::string megabytes(const Json& value) {
  return fmt::format("{:.1f} MB", value.get<double>() / 1e6);
}

void add_rounds(std::string& text, const Json& job, std::size_t shown) {
  const Json rounds = job.value("rounds", Json::array());
  if (rounds.empty()) return;
  const std::string metric = job.value("metric", "loss");
  cli::Table table({"round", "attempt", "state", "accepted", "refused", "clients' loss",
                    "clients' " + metric, "server's " + metric});
  const std::size_t first = rounds.size() > shown ? rounds.size() - shown : 0;
  for (std::size_t i = first; i < rounds.size(); ++i) {
    const Json& round = rounds[i];
    table.add({number(round, "round"), number(round, "attempt"), round["state"],
               fmt::format("{}/{}", number(round, "accepted"), number(round, "cohort")),
               number(round, "refused"), metric_of(round, "clients", "loss"),
               metric_of(round, "clients", metric), metric_of(round, "server", metric)});
  }
  text += table.text();
}

std::string headline(const Json& job) {
  const std::string name = job["name"], state = job["state"], detail = job.value("detail", "");
  std::string line = fmt::format("{}: {}", name, state);
  if (!detail.empty()) line += " (" + detail + ")";
  if (!job.contains("version")) return line + "\n";
  const auto version = job["version"].get<std::int64_t>(),
             max = job["rounds_max"].get<std::int64_t>();
  line += fmt::format("\n  rounds    {} {}/{}\n", cli::progress_bar(version, max), version, max);
  if (job.contains("best")) {
    line += fmt::format("  best      {} {} in round {}\n", job["metric"].get<std::string>(),
                        number(job["best"], "value"), number(job["best"], "round"));
  }
  const std::string waiting = job.value("waiting_for", "");
  if (waiting.empty()) return line;
  const auto accepted = job["accepted"].get<std::int64_t>(), goal = job["goal"].get<std::int64_t>();
  return line + fmt::format("  round {:<4}{} {}/{} contributions, {}\n  waiting   {}\n",
                            number(job, "round"), cli::progress_bar(accepted, goal), accepted, goal,
                            job["phase"].get<std::string>(), waiting);
}

}  // namespace

std::string render_clients(const Json& answer) {
  cli::Table table({"client", "state", "address", "since", "last seen", "joined"});
  for (const Json& client : answer["clients"]) {
    const bool revoked = client["revoked"], connected = client["connected"];
    table.add({client["name"],
               revoked     ? "revoked"
               : connected ? "connected"
                           : "away",
               client.value("address", "-"), time_text(client, "connected_since"),
               time_text(client, "last_seen"), time_text(client, "joined_at")});
  }
  return table.text();
}

std::string render_jobs(const Json& answer) {
  cli::Table table({"job", "state", "rounds", "phase", "clients", "best", "detail"});
  for (const Json& job : answer["jobs"]) {
    const std::string best = job.contains("best") ? number(job["best"], "value") : "-";
    table.add({job["name"], job["state"], number(job, "version") + "/" + number(job, "rounds_max"),
               job.value("phase", "-"), number(job, "available"), best, job.value("detail", "")});
  }
  return table.text();
}

std::string render_status(const Json& answer) {
  std::string text = fmt::format("{} clients connected", number(answer, "connected"));
  if (answer.contains("disk_free_bytes"))
    text += ", " + megabytes(answer["disk_free_bytes"]) + " of disk free";
  text += ", " + megabytes(answer["staged_bytes"]) + " of updates staged\n";
  for (const Json& job : answer["jobs"]) {
    text += "\n" + headline(job);
    add_rounds(text, job, kRoundsShown);
  }
  return text;
}

std::string render_show(const Json& answer) {
  std::string text = headline(answer);
  text += fmt::format("  weights   {}\n", number(answer, "parameters"));
  add_rounds(text, answer, std::numeric_limits<std::size_t>::max());
  return text + answer["file"].dump(2) + "\n";
}

std::string render_why(const Json& answer) {
  std::string text = headline(answer);
  if (answer.contains("last_failure")) {
    text += "  failure   " + answer["last_failure"].get<std::string>() + "\n";
  }
  if (answer["clients"].empty()) return text + "No client has said that it can do this job.\n";
  cli::Table table({"client", "state", "in round", "done", "silent for", "examples", "why"});
  for (const Json& client : answer["clients"]) {
    const double total = client.value("total", 0.0);
    const std::string done =
        total > 0 ? fmt::format("{:.0f} %", 100 * client.value("done", 0.0) / total) : "-";
    std::string why = client.value("detail", "");
    if (client.contains("last_refusal") && client["state"] != "resting") {
      why = client["last_refusal"]["detail"];
    }
    const std::string limits = client.value("limits", "");
    if (!limits.empty()) why += (why.empty() ? "limits: " : "; limits: ") + limits;
    const std::string silent =
        client.contains("last_activity_s")
            ? fmt::format("{:.0f} s", client["last_activity_s"].get<double>())
            : "-";
    table.add({client["client"], client["state"], client["member"].get<bool>() ? "yes" : "no", done,
               silent, number(client, "examples"), why});
  }
  return text + table.text();
}

}  // namespace fed::app
