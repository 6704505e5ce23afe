#include "app/status.h"

#include <cmath>

#include "app/privacy_view.h"
#include "app/view.h"

namespace fed::app {
namespace {

double seconds_from(Instant from, Instant to) { return std::round(seconds(to - from) * 10) / 10; }

Json job_json(const Job& job) {
  Json json = {{"name", job.name()},
               {"rounds_max", job.plan().spec.rounds.max},
               {"parameters", job.plan().model->layout().size()}};
  const auto report = job.report();
  if (!report) {
    json["state"] = job.problem().empty() ? "loading" : "failed";
    json["detail"] = job.problem();
    return json;
  }
  json["state"] = round::name(report->job);
  const bool has_reason = report->job_reason.reason != round::Reason::none;
  json["detail"] = has_reason ? report->job_reason.detail : "";
  json["version"] = report->version;
  json["round"] = report->round;
  json["attempt"] = report->attempt;
  json["kind"] = round::name(report->kind);
  json["phase"] = round::name(report->phase);
  if (const auto sum = job.secure_progress()) json["step"] = sum->step;
  json["cohort"] = report->cohort;
  json["accepted"] = report->accepted;
  json["available"] = report->available;
  json["min"] = report->contributions_min;
  json["goal"] = report->contributions_goal;
  if (report->deadline) json["seconds_left"] = seconds_from(job.now(), *report->deadline);
  if (report->best)
    json["best"] = {{"round", report->best->version}, {"value", report->best->value}};
  json["metric"] = job.plan().spec.evaluation.metric;
  json["waiting_for"] =
      job.ended() ? "" : job.decryption_state().value_or(round::waiting_for(*report));
  return json;
}

Json rounds_json(const Coordinator& coordinator, const Job& job) {
  Json rounds = Json::array();
  const auto history = coordinator.parts().journal.history(job.name());
  if (!history) return rounds;
  for (const store::RoundRow& row : *history) {
    Json round = {{"round", row.round},         {"attempt", row.attempt},
                  {"state", row.state},         {"cohort", row.cohort},
                  {"accepted", row.accepted},   {"refused", row.refused},
                  {"discarded", row.discarded}, {"opened_at", row.opened_at}};
    if (row.committed_at) round["committed_at"] = *row.committed_at;
    const Json metrics = Json::parse(row.metrics, nullptr, false);
    if (metrics.is_object()) round["metrics"] = metrics;
    rounds.push_back(std::move(round));
  }
  return rounds;
}

double tenths(double value) { return std::round(value * 10) / 10; }

Json site_json(const Site& site) {
  Json json = {{"client", site.name},         {"state", site.state},
               {"member", site.member},       {"outstanding", site.outstanding},
               {"connected", site.connected}, {"done", site.done},
               {"total", site.total}};
  if (site.examples) json["examples"] = *site.examples;
  if (site.silent_s) json["last_byte_s"] = tenths(*site.silent_s);
  if (site.rate) json[site.state == "training" ? "rows_per_s" : "bytes_per_s"] = tenths(*site.rate);
  if (site.ready_s) json["ready_s"] = tenths(*site.ready_s);
  if (site.last_refusal.reason != round::Reason::none) {
    json["last_refusal"] = {{"reason", round::name(site.last_refusal.reason)},
                            {"detail", site.last_refusal.detail}};
  }
  if (!site.detail.empty()) json["detail"] = site.detail;
  if (!site.limits.empty()) json["limits"] = site.limits;
  return json;
}

void add_room(Json& json, const Room& room) {
  json["disk"] = {{"staged_bytes", room.staged_bytes},
                  {"staged_bytes_max", room.staged_bytes_max},
                  {"round_bytes", room.round_bytes}};
  if (room.disk_free_bytes) json["disk"]["free_bytes"] = *room.disk_free_bytes;
  json["memory"] = {{"jobs_bytes", room.memory_bytes}, {"bytes_max", room.memory_bytes_max}};
}

// What the job is waiting for: the sentence, and site by site.
void add_why(Json& json, const Coordinator& coordinator, const Job& job) {
  if (!job.report()) return;
  const View view = view_of(coordinator, job);
  json["summary"] = explain(view);
  const Site* last = holding_up(view);
  if (last != nullptr) json["holds_up"] = last->name;
  json["quorum"] = {{"min", view.report.contributions_min},
                    {"goal", view.report.contributions_goal},
                    {"accepted", view.report.accepted},
                    {"missing", view.report.missing()},
                    {"outstanding", view.report.outstanding}};
  json["clients"] = Json::array();
  for (const Site& site : view.sites) {
    json["clients"].push_back(site_json(site));
    json["clients"].back()["stands_still"] = site.stands_still(view.silent_s_max);
  }
  if (view.report.last_failure.reason != round::Reason::none) {
    json["last_failure"] = view.report.last_failure.detail;
  }
  add_room(json, view.room);
}

void add_limits(Json& json, const Coordinator& coordinator, const SiteLimits& site) {
  const Loop& clock = coordinator.parts().control;
  json["limits"] = limits_text(site.said);
  json["open"] = site.said.open;
  if (!site.said.open) json["rest"] = rest_text(site, clock.now(), clock.unix_seconds());
}

}  // namespace

Json clients_json(const Coordinator& coordinator) {
  Json list = Json::array();
  const auto clients = coordinator.parts().journal.clients();
  if (!clients) return {{"error", name(clients.error().code)}, {"detail", clients.error().detail}};
  for (const store::Client& client : *clients) {
    const auto session = coordinator.session_of(client.id);
    Json json = {{"name", client.name},
                 {"joined_at", client.joined_at},
                 {"last_seen", client.last_seen},
                 {"connected", session != nullptr},
                 {"revoked", client.revoked_at.has_value()},
                 {"key", to_base64url(client.channel_key)},
                 {"identity", to_base64url(client.identity_key)}};
    if (session) {
      json["address"] = session->address();
      json["connected_since"] = session->since();
      if (const SiteLimits* site = coordinator.site_of(client.id))
        add_limits(json, coordinator, *site);
    }
    list.push_back(std::move(json));
  }
  return {{"clients", list}};
}

Json jobs_json(const Coordinator& coordinator) {
  Json list = Json::array();
  for (const auto& [name, job] : coordinator.jobs()) list.push_back(job_json(*job));
  return {{"jobs", list}};
}

Json status_json(const Coordinator& coordinator) {
  Json json = jobs_json(coordinator);
  json["connected"] = coordinator.connected();
  const Room room = room_of(coordinator);
  add_room(json, room);
  json["staged_bytes"] = room.staged_bytes;
  if (room.disk_free_bytes) json["disk_free_bytes"] = *room.disk_free_bytes;
  for (Json& job : json["jobs"]) {
    const auto found = coordinator.job(job["name"]);
    if (found->plan().privacy) job["privacy"] = privacy_json(coordinator, *found);
    job["rounds"] = rounds_json(coordinator, *found);
    if (!found->ended()) add_why(job, coordinator, *found);
  }
  return json;
}

Json show_json(const Coordinator& coordinator, const Job& job) {
  Json json = job_json(job);
  if (job.plan().privacy) json["privacy"] = privacy_json(coordinator, job);
  json["file"] = Json::parse(job.plan().spec.text);
  json["rounds"] = rounds_json(coordinator, job);
  return json;
}

Json replay_json(const Replayed& replayed) {
  Json differences = Json::array();
  for (const Difference& each : replayed.differences) {
    differences.push_back({{"tensor", each.tensor},
                           {"bytes", each.bytes},
                           {"differ", each.differ},
                           {"first", each.first}});
  }
  return {{"round", replayed.round},
          {"agrees", replayed.agrees()},
          {"contributions", replayed.contributions},
          {"bytes", replayed.bytes},
          {"problems", replayed.problems},
          {"differences", differences}};
}

Json why_json(const Coordinator& coordinator, const Job& job) {
  Json json = job_json(job);
  json["clients"] = Json::array();
  add_why(json, coordinator, job);
  return json;
}

}  // namespace fed::app
