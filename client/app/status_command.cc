#include <fmt/chrono.h>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "app/client_commands.h"
#include "app/client_keys.h"
#include "app/client_status.h"
#include "app/config_file.h"
#include "app/privacy_text.h"
#include "app/roster_text.h"
#include "app/site_text.h"
#include "base/clock.h"
#include "session/outbox.h"

namespace fed::app {
namespace {

using Json = nlohmann::json;

struct Shown {
  ClientStatus status;
  session::OutboxListing outbox;
  std::string why_unreadable;  // empty if all of it could be read
};

Status look_into_outbox(Disk& disk, const fs::path& state, Shown& shown) {
  const auto key = load_storage_key(disk, state);
  FED_ASSIGN(listing, session::list_offers(disk, state / "outbox", key ? &*key : nullptr));
  shown.outbox = std::move(listing);
  if (shown.outbox.unreadable == 0) return {};
  shown.why_unreadable = key ? "sealed with another key than this client.key, or damaged"
                             : "sealed, and this command has no key: " + key.error().detail;
  return {};
}

Result<Shown> look(const fs::path& state) {
  Disk& disk = real_disk();
  if (!disk.inspect(state)) {
    return Error{ErrorCode::not_found,
                 "there is no " + state.string() + "; run `fedclient join` first"};
  }
  Shown shown;
  const bool running = !lock_state(disk, state);
  auto status = load_status(disk, state);
  if (!status && status.error().code != ErrorCode::not_found) return status.error();
  if (status) shown.status = std::move(*status);
  if (!running) shown.status.connection = "fedclient is not running";
  FED_TRY(look_into_outbox(disk, state, shown));
  return shown;
}

std::string date(std::int64_t at) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(at)));
}

void print_answer(const char* title, const ClientStatus::Answer& answer) {
  if (answer.at == 0) return fmt::print("{:<13} none\n", title);
  const std::string what =
      answer.job.empty() ? "" : fmt::format("job {} task {} ", answer.job, answer.task);
  fmt::print("{:<13} {}{}{}{} ({})\n", title, what, answer.outcome,
             answer.detail.empty() ? "" : ": ", answer.detail, date(answer.at));
}

void print_refusal(const ClientStatus::Refusal& refusal) {
  if (refusal.at == 0) return fmt::print("{:<13} nothing\n", "refused here");
  fmt::print("{:<13} job {} task {}: {}: {} ({})\n", "refused here", refusal.job, refusal.task,
             refusal.reason, refusal.detail, date(refusal.at));
}

void print_key(const config::ClientSpec& spec, const ClientStatus& status) {
  const fs::path& file = spec.jobs.homomorphic_encryption.secret_key;
  if (file.empty()) return;
  const std::string jobs = status.held.empty()
                               ? "no job that the server has offered"
                               : fmt::format("the jobs {}", fmt::join(status.held, ", "));
  fmt::print("{:<13} that in {}, of {}\n", "key held", file.string(), jobs);
}

void print_site(const config::ClientSpec& spec, const ClientStatus& status) {
  for (const auto& [title, text] : limits_lines(spec, unix_seconds())) {
    fmt::print("{:<13} {}\n", title, text);
  }
  for (const auto& [job, why] : status.declined) {
    fmt::print("{:<13} job {}: {}\n", "declined", job, why);
  }
  if (status.standby.job.empty()) return;
  const std::string until =
      status.standby.until > 0 ? "; asked again by " + date(status.standby.until) : "";
  fmt::print("{:<13} job {}: {}{}\n", "standing by", status.standby.job, status.standby.detail,
             until);
}

void print_privacy(const config::ClientSpec& spec) {
  for (const auto& [title, text] : privacy_lines(spec, ledger_of(spec).overview())) {
    fmt::print("{:<13} {}\n", title, text);
  }
}

void print_outbox(const Shown& shown) {
  const session::OutboxListing& outbox = shown.outbox;
  if (outbox.offers.empty() && outbox.unreadable == 0) fmt::print("{:<13} empty\n", "outbox");
  for (const wire::Offer& offer : outbox.offers) {
    fmt::print("{:<13} job {} task {}: {} bytes, {} examples\n", "outbox", offer.job, offer.task,
               offer.bytes, offer.examples);
  }
  if (outbox.unreadable == 0) return;
  const std::string count =
      outbox.unreadable == 1 ? "one update" : fmt::format("{} updates", outbox.unreadable);
  fmt::print("{:<13} {} cannot be read: {}\n", "outbox", count, shown.why_unreadable);
}

void print(const config::ClientSpec& spec, const Shown& shown) {
  const ClientStatus& status = shown.status;
  fmt::print("{:<13} {}\n", "server", status.connection);
  if (!status.name.empty()) fmt::print("{:<13} {}\n", "known as", status.name);
  if (status.task < 0) {
    fmt::print("{:<13} none\n", "last task");
  } else {
    fmt::print("{:<13} job {} task {} ({})\n", "last task", status.job, status.task, status.phase);
  }
  print_answer("last answer", status.last_answer);
  print_answer("last refusal", status.last_refusal);
  print_refusal(status.own_refusal);
  print_key(spec, status);
  print_site(spec, status);
  print_privacy(spec);
  const std::string alarm = alarm_summary(load_roster(real_disk(), spec.state_dir));
  if (!alarm.empty()) fmt::print("{:<13} {}\n", "ALARM", alarm);
  print_outbox(shown);
  if (status.updated_at > 0) fmt::print("{:<13} {}\n", "as of", date(status.updated_at));
  if (!status.is_stale) return;
  fmt::print("{:<13} what has happened since could not be written to {} (is it full?)\n", "STALE",
             spec.state_dir.string());
}

Json to_json(const ClientStatus::Answer& answer) {
  if (answer.at == 0) return nullptr;
  return {{"job", answer.job},
          {"task", answer.task},
          {"outcome", answer.outcome},
          {"detail", answer.detail},
          {"at", answer.at}};
}

Json to_json(const ClientStatus::Refusal& refusal) {
  if (refusal.at == 0) return nullptr;
  return {{"job", refusal.job},
          {"task", refusal.task},
          {"reason", refusal.reason},
          {"detail", refusal.detail},
          {"at", refusal.at}};
}

Json key_json(const config::ClientSpec& spec, const ClientStatus& status) {
  const fs::path& file = spec.jobs.homomorphic_encryption.secret_key;
  if (file.empty()) return nullptr;
  return {{"secret_key", file.string()},
          {"public_key", status.public_key.empty() ? Json() : Json(status.public_key)},
          {"jobs", status.held}};
}

Json roster_json(const config::ClientSpec& spec) {
  const auto peers = load_roster(real_disk(), spec.state_dir);
  if (!peers) return {{"problem", peers.error().detail}};
  Json alarms = Json::array();
  for (const auto& [name, alarm] : peers->alarms()) alarms.push_back(name);
  return {{"peers", peers->all().size()}, {"alarms", alarms}};
}

void print_json(const config::ClientSpec& spec, const Shown& shown) {
  const ClientStatus& status = shown.status;
  Json outbox = Json::array();
  for (const wire::Offer& offer : shown.outbox.offers) {
    outbox.push_back({{"job", offer.job},
                      {"task", offer.task},
                      {"bytes", offer.bytes},
                      {"examples", offer.examples}});
  }
  Json task = nullptr;
  if (status.task >= 0) {
    task = {{"job", status.job}, {"task", status.task}, {"phase", status.phase}};
  }
  Json standby = nullptr;
  if (!status.standby.job.empty()) {
    standby = {{"job", status.standby.job},
               {"detail", status.standby.detail},
               {"until", status.standby.until}};
  }
  Json unreadable = nullptr;
  if (shown.outbox.unreadable > 0) {
    unreadable = {{"updates", shown.outbox.unreadable}, {"why", shown.why_unreadable}};
  }
  const Json json = {{"connection", status.connection},
                     {"privacy", privacy_json(spec, ledger_of(spec).overview())},
                     {"roster", roster_json(spec)},
                     {"name", status.name},
                     {"last_task", task},
                     {"last_answer", to_json(status.last_answer)},
                     {"last_refusal", to_json(status.last_refusal)},
                     {"own_refusal", to_json(status.own_refusal)},
                     {"key_held", key_json(spec, status)},
                     {"limits", limits_json(spec, unix_seconds())},
                     {"declined", status.declined},
                     {"standby", standby},
                     {"outbox", outbox},
                     {"outbox_unreadable", unreadable},
                     {"updated_at", status.updated_at},
                     {"stale", status.is_stale}};
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

int run(const cli::Arguments& arguments) {
  const auto spec = load_config(arguments);
  if (!spec) return cli::bad_usage;
  const auto shown = look(spec->state_dir);
  if (!shown) return cli::fail(arguments, shown.error());
  if (arguments.json()) {
    print_json(*spec, *shown);
  } else {
    print(*spec, *shown);
  }
  return cli::done;
}

}  // namespace

cli::Command status_command() {
  return {"status",
          "--config FILE",
          "show the outbox, the last task and the last refusal",
          add_config_option,
          {},
          run};
}

}  // namespace fed::app
