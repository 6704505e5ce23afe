#include "app/status.h"

#include <cmath>

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
  json["cohort"] = report->cohort;
  json["accepted"] = report->accepted;
  json["available"] = report->available;
  json["min"] = report->contributions_min;
  json["goal"] = report->contributions_goal;
  if (report->deadline) json["seconds_left"] = seconds_from(job.now(), *report->deadline);
  if (report->best)
    json["best"] = {{"round", report->best->version}, {"value", report->best->value}};
  json["metric"] = job.plan().spec.evaluation.metric;
  json["waiting_for"] = job.ended() ? "" : round::waiting_for(*report);
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

Json client_json(const Coordinator& coordinator, const round::ClientReport& client) {
  Json json = {{"client", coordinator.name_of(client.client)},
               {"state", client.state()},
               {"member", client.member},
               {"connected", client.connected},
               {"examples", client.examples},
               {"done", client.done},
               {"total", client.total}};
  const Instant now = coordinator.parts().control.now();
  if (client.last_activity) json["last_activity_s"] = seconds_from(*client.last_activity, now);
  if (client.last_refusal.reason != round::Reason::none) {
    json["last_refusal"] = {{"reason", round::name(client.last_refusal.reason)},
                            {"detail", client.last_refusal.detail}};
  }
  return json;
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
  json["staged_bytes"] = coordinator.parts().staging.bytes_reserved();
  const auto free = coordinator.parts().disk.bytes_free(coordinator.parts().config.state_dir);
  if (free) json["disk_free_bytes"] = *free;
  for (Json& job : json["jobs"]) {
    const auto found = coordinator.job(job["name"]);
    job["rounds"] = rounds_json(coordinator, *found);
  }
  return json;
}

Json show_json(const Coordinator& coordinator, const Job& job) {
  Json json = job_json(job);
  json["file"] = Json::parse(job.plan().spec.text);
  json["rounds"] = rounds_json(coordinator, job);
  return json;
}

Json why_json(const Coordinator& coordinator, const Job& job) {
  Json json = job_json(job);
  json["clients"] = Json::array();
  const auto report = job.report();
  if (!report) return json;
  for (const round::ClientReport& client : report->clients) {
    json["clients"].push_back(client_json(coordinator, client));
    const auto put_off = job.put_off().find(client.client);
    if (put_off != job.put_off().end()) json["clients"].back()["detail"] = put_off->second;
  }
  if (report->last_failure.reason != round::Reason::none) {
    json["last_failure"] = report->last_failure.detail;
  }
  for (const auto& [client, answer] : job.answers()) {
    if (answer.able) continue;
    json["clients"].push_back({{"client", coordinator.name_of(client)},
                               {"state", "unable"},
                               {"connected", true},
                               {"member", false},
                               {"detail", answer.detail}});
  }
  return json;
}

}  // namespace fed::app
