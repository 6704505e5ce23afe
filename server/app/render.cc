#include "app/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <vector>

#include "app/units.h"
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

std::string quorum(const Json& job) {
  const Json& quorum = job["quorum"];
  const auto accepted = quorum["accepted"].get<std::int64_t>(),
             goal = quorum["goal"].get<std::int64_t>();
  std::string line =
      fmt::format("  updates   {} {}/{}, at least {} to count", cli::progress_bar(accepted, goal),
                  accepted, goal, number(quorum, "min"));
  if (job.contains("seconds_left")) {
    line += job["phase"] == "selecting" ? ", begins in at most " : ", deadline in ";
    line += duration_text(std::max(0.0, job["seconds_left"].get<double>()));
  }
  return line + "\n";
}

std::string bytes_of(const Json& object, const char* key) {
  return bytes_text(object[key].get<double>());
}

std::string room(const Json& job) {
  std::string text;
  if (job.contains("disk")) {
    const Json& disk = job["disk"];
    text += "  disk      ";
    if (disk.contains("free_bytes")) text += bytes_of(disk, "free_bytes") + " free, ";
    text += bytes_of(disk, "round_bytes") + " of updates to come in this round, " +
            bytes_of(disk, "staged_bytes");
    if (disk["staged_bytes_max"].get<double>() > 0)
      text += " of at most " + bytes_of(disk, "staged_bytes_max");
    text += " staged\n";
  }
  if (job.contains("memory")) {
    text +=
        fmt::format("  memory    {} of {} for the jobs at work\n",
                    bytes_of(job["memory"], "jobs_bytes"), bytes_of(job["memory"], "bytes_max"));
  }
  return text;
}

std::string seconds_of(const Json& site, const char* key, const char* after) {
  return site.contains(key) ? duration_text(site[key].get<double>()) + after : "-";
}

std::string done_of(const Json& site) {
  const double done = site.value("done", 0.0), total = site.value("total", 0.0);
  if (total <= 0 || !site.value("outstanding", false)) return "-";
  const std::string share = fmt::format("{:.0f} %", 100 * done / total);
  const std::string state = site["state"];
  if (state != "uploading" && state != "downloading") return share;
  return share + " of " + bytes_text(total);
}

std::string speed_of(const Json& site) {
  if (site.contains("bytes_per_s")) return bytes_of(site, "bytes_per_s") + "/s";
  if (site.contains("rows_per_s"))
    return fmt::format("{:.0f} rows/s", site["rows_per_s"].get<double>());
  return "-";
}

// The one that the round waits for is marked.
void add_site(cli::Table& table, const Json& site, const std::string& holds_up) {
  const std::string name = site["client"];
  std::string word = site.value("detail", "");
  if (word.empty() && site.contains("last_refusal")) word = site["last_refusal"]["detail"];
  const std::string limits = site.value("limits", "");
  if (!limits.empty()) word += (word.empty() ? "" : "; ") + limits;
  std::string state = site["state"];
  if (site.value("stands_still", false)) state += ", stands still";
  table.add({(name == holds_up ? "> " : "  ") + name, state,
             site["member"].get<bool>() ? "yes" : "no", done_of(site), speed_of(site),
             seconds_of(site, "last_byte_s", " ago"), seconds_of(site, "ready_s", ""),
             number(site, "examples"), word.empty() ? "-" : word});
}

std::string spent(const Json& privacy) {
  if (privacy.contains("problem")) return privacy["problem"];
  return fmt::format("epsilon {:.4g} of {:.4g} at delta {:.3g}; {} of {} versions",
                     privacy["epsilon"].get<double>(), privacy["epsilon_max"].get<double>(),
                     privacy["delta"].get<double>(), number(privacy, "versions"),
                     number(privacy, "versions_paid"));
}

// With what the job is waiting for, unless that has been said already.
std::string headline(const Json& job, bool waiting_too = true) {
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
  if (job.contains("privacy")) line += "  privacy   " + spent(job["privacy"]) + "\n";
  const std::string waiting = job.value("summary", job.value("waiting_for", ""));
  if (waiting.empty() || !waiting_too) return line;
  const auto accepted = job["accepted"].get<std::int64_t>(), goal = job["goal"].get<std::int64_t>();
  return line + fmt::format("  round {:<4}{} {}/{} contributions, {}\n  waiting   {}\n",
                            number(job, "round"), cli::progress_bar(accepted, goal), accepted, goal,
                            job["phase"].get<std::string>(), waiting);
}

}  // namespace

std::string render_clients(const Json& answer) {
  cli::Table table({"client", "state", "address", "since", "last seen", "joined", "limits"});
  for (const Json& client : answer["clients"]) {
    const bool revoked = client["revoked"], connected = client["connected"];
    table.add({client["name"],
               revoked     ? "revoked"
               : connected ? client.value("rest", "connected")
                           : "away",
               client.value("address", "-"), time_text(client, "connected_since"),
               time_text(client, "last_seen"), time_text(client, "joined_at"),
               client.value("limits", "")});
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
    text += ", " + bytes_text(answer["disk_free_bytes"].get<double>()) + " of disk free";
  text += ", " + bytes_text(answer["staged_bytes"].get<double>()) + " of updates staged\n";
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
  std::string text;
  if (answer.contains("summary")) text = answer["summary"].get<std::string>() + "\n\n";
  text += headline(answer, false);
  if (answer.contains("quorum")) text += quorum(answer);
  if (answer.contains("last_failure")) {
    text += "  failure   " + answer["last_failure"].get<std::string>() + "\n";
  }
  text += room(answer);
  if (answer["clients"].empty()) return text + "\nNo site has joined; see `fedserver invite`.\n";
  cli::Table table({"  site", "state", "in round", "done", "speed", "last byte", "ready in",
                    "examples", "last word"});
  for (const Json& site : answer["clients"]) add_site(table, site, answer.value("holds_up", ""));
  return text + "\n" + table.text();
}

std::string render_privacy(const Json& answer) {
  std::string text = fmt::format(
      "{}: {}\n  mechanism  {}, clipping norm {:.4g}, noise multiplier {:.4g}\n"
      "  neighbours {}\n"
      "  adversary  {}\n\n",
      answer["job"].get<std::string>(), spent(answer), answer["mechanism"].get<std::string>(),
      answer["clipping_norm"].get<double>(), answer["noise_multiplier"].get<double>(),
      answer["neighbours"].get<std::string>(), answer["adversary"].get<std::string>());
  cli::Table table(
      {"institution", "versions", "epsilon", "versions of all jobs", "epsilon of all"});
  for (const Json& client : answer["clients"]) {
    table.add({client["client"], number(client, "versions"),
               fmt::format("{:.4g}", client["epsilon"].get<double>()),
               number(client, "versions_of_all_jobs"),
               fmt::format("{:.4g}", client["epsilon_of_all_jobs"].get<double>())});
  }
  return text + table.text();
}

std::string render_replay(const Json& answer) {
  const std::string round = "round " + number(answer, "round");
  if (answer["agrees"].get<bool>()) {
    return fmt::format(
        "{}: every byte agrees. {} updates with the checksums of the journal, folded again, give "
        "all "
        "{} bytes of the checkpoint's weights and optimizer state.\n",
        round, number(answer, "contributions"), number(answer, "bytes"));
  }
  std::string text = round + " does NOT agree:\n";
  for (const Json& problem : answer["problems"]) text += "  " + problem.get<std::string>() + "\n";
  for (const Json& each : answer["differences"]) {
    text += fmt::format("  {}: {} of {} bytes differ, the first at {}\n",
                        each["tensor"].get<std::string>(), number(each, "differ"),
                        number(each, "bytes"), number(each, "first"));
  }
  return text;
}

}  // namespace fed::app
