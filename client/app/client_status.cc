#include "app/client_status.h"

#include <nlohmann/json.hpp>

namespace fed::app {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kFileBytesMax = 1 << 20;

fs::path file_in(const fs::path& state) { return state / "status.json"; }
fs::path stale_file_in(const fs::path& state) { return state / "status.json.stale"; }

Json to_json(const ClientStatus::Answer& answer) {
  return {{"job", answer.job},
          {"task", answer.task},
          {"outcome", answer.outcome},
          {"detail", answer.detail},
          {"at", answer.at}};
}

ClientStatus::Answer answer_from(const Json& json) {
  return {json.value("job", ""), json.value("task", std::int64_t{0}), json.value("outcome", ""),
          json.value("detail", ""), json.value("at", std::int64_t{0})};
}

Json to_json(const ClientStatus::Refusal& refusal) {
  return {{"job", refusal.job},
          {"task", refusal.task},
          {"reason", refusal.reason},
          {"detail", refusal.detail},
          {"at", refusal.at}};
}

ClientStatus::Refusal refusal_from(const Json& json) {
  return {json.value("job", ""), json.value("task", std::int64_t{0}), json.value("reason", ""),
          json.value("detail", ""), json.value("at", std::int64_t{0})};
}

}  // namespace

const char* name(wire::Outcome outcome) {
  switch (outcome) {
    case wire::Outcome::accepted:
      return "accepted";
    case wire::Outcome::refused:
      return "refused";
    case wire::Outcome::discarded:
      return "discarded";
  }
  return "unknown";
}

Status save(Disk& disk, const fs::path& state, const ClientStatus& status) {
  const Json json = {{"connection", status.connection},
                     {"name", status.name},
                     {"job", status.job},
                     {"task", status.task},
                     {"phase", status.phase},
                     {"last_answer", to_json(status.last_answer)},
                     {"last_refusal", to_json(status.last_refusal)},
                     {"own_refusal", to_json(status.own_refusal)},
                     {"public_key", status.public_key},
                     {"held", status.held},
                     {"declined", status.declined},
                     {"standby",
                      {{"job", status.standby.job},
                       {"detail", status.standby.detail},
                       {"until", status.standby.until}}},
                     {"updated_at", status.updated_at}};
  // Text from the server need not be UTF-8.
  const std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return replace_file(disk, file_in(state), view(text), Durability::process);
}

// A name takes no room.
Status mark_stale(Disk& disk, const fs::path& state) {
  return disk.rename(file_in(state), stale_file_in(state));
}

Status unmark_stale(Disk& disk, const fs::path& state) {
  return remove_file(disk, stale_file_in(state));
}

namespace {

Result<ClientStatus> parse_status(const fs::path& file, std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return Error{ErrorCode::malformed, file.string() + " is not a status file"};
  }
  try {
    ClientStatus status;
    status.connection = json.value("connection", "");
    status.name = json.value("name", "");
    status.job = json.value("job", "");
    status.task = json.value("task", std::int64_t{-1});
    status.phase = json.value("phase", "");
    status.last_answer = answer_from(json.value("last_answer", Json::object()));
    status.last_refusal = answer_from(json.value("last_refusal", Json::object()));
    status.own_refusal = refusal_from(json.value("own_refusal", Json::object()));
    status.public_key = json.value("public_key", "");
    status.held = json.value("held", std::set<std::string>());
    status.declined = json.value("declined", std::map<std::string, std::string>());
    const Json standby = json.value("standby", Json::object());
    status.standby = {standby.value("job", ""), standby.value("detail", ""),
                      standby.value("until", std::int64_t{0})};
    status.updated_at = json.value("updated_at", std::int64_t{0});
    return status;
  } catch (const Json::exception& problem) {
    return Error{ErrorCode::malformed, file.string() + ": " + problem.what()};
  }
}

}  // namespace

Result<ClientStatus> load_status(Disk& disk, const fs::path& state) {
  const auto fresh = read_file(disk, file_in(state), kFileBytesMax);
  if (fresh) return parse_status(file_in(state), text(*fresh));
  if (fresh.error().code != ErrorCode::not_found) return fresh.error();
  const auto stale = read_file(disk, stale_file_in(state), kFileBytesMax);
  if (!stale) return fresh.error();
  FED_ASSIGN(status, parse_status(stale_file_in(state), text(*stale)));
  status.is_stale = true;
  return status;
}

}  // namespace fed::app
