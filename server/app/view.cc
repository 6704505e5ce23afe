#include "app/view.h"

#include <algorithm>
#include <set>

namespace fed::app {
namespace {

// Every quarter of the idle time a client that has nothing else to say sends a ping.
constexpr double kSilentShareMax = 1.5 / 4;

class Collector {
 public:
  Collector(const Coordinator& coordinator, const Job& job)
      : coordinator_(coordinator), job_(job), now_(job.now()) {}

  Site member_or_available(const round::ClientReport& client) const {
    const bool rows_are_hidden = job_.plan().spec.hides_rows();
    Site site{.name = coordinator_.name_of(client.client),
              .state = client.state(),
              .member = client.member,
              .outstanding = client.member && round::outstanding(client.status),
              .connected = coordinator_.session_of(client.client) != nullptr,
              .examples = rows_are_hidden ? std::nullopt : std::optional(client.examples),
              .done = client.done,
              .total = client.total,
              .last_refusal = client.last_refusal};
    const auto put_off = job_.put_off().find(client.client);
    if (put_off != job_.put_off().end()) site.detail = put_off->second;
    measure(site, client);
    note_limits(site, client.client);
    if (!site.connected) note_departure(site, client.client);
    return site;
  }

  // Somebody of whom the report says nothing: cannot take part, has not answered, or is away.
  Site other(const store::Client& client) const {
    Site site{.name = client.name,
              .state = "away",
              .connected = coordinator_.session_of(client.id) != nullptr};
    if (!site.connected) {
      note_departure(site, client.id);
      if (!site.silent_s && client.last_seen > 0) {
        site.silent_s = static_cast<double>(std::max<std::int64_t>(
            0, coordinator_.parts().control.unix_seconds() - client.last_seen));
      }
      return site;
    }
    hear(site, client.id);
    const auto answer = job_.answers().find(client.id);
    const bool unable = answer != job_.answers().end() && !answer->second.able;
    site.state = unable ? "unable" : "reading";
    if (unable) site.detail = answer->second.detail;
    if (!unable && answer != job_.answers().end()) note_limits(site, client.id);
    return site;
  }

 private:
  void hear(Site& site, std::int64_t client) const {
    const auto session = coordinator_.session_of(client);
    if (session) site.silent_s = seconds(now_ - session->traffic(now_).heard_at);
  }

  void note_departure(Site& site, std::int64_t client) const {
    const Departure* departure = coordinator_.departure_of(client);
    if (departure == nullptr) return;
    site.silent_s = seconds(now_ - departure->at);
    site.detail = departure->why;
  }

  // A member whose task is over keeps the word for how it ended.
  void note_limits(Site& site, std::int64_t client) const {
    const SiteLimits* limits = coordinator_.site_of(client);
    if (limits == nullptr) return;
    site.limits = limits_text(limits->said);
    const auto away = job_.away(client);
    if (!away || (site.member && !site.outstanding)) return;
    site.state = limits->said.open ? "left out" : "resting";
    site.detail = *away;
  }

  void measure(Site& site, const round::ClientReport& client) const {
    const auto activity = job_.activities().find(client.client);
    if (activity != job_.activities().end()) site.rate = activity->second.per_second(now_);
    const auto session = coordinator_.session_of(client.client);
    if (session) {
      const Traffic traffic = session->traffic(now_);
      site.silent_s = seconds(now_ - traffic.heard_at);
      if (traffic.upload && traffic.upload->job == job_.name()) {
        site.done = traffic.done;
        site.total = traffic.total;
        site.rate = traffic.per_second;
      }
    }
    if (!site.outstanding) site.rate.reset();
    if (!site.outstanding || activity == job_.activities().end()) return;
    site.ready_s = activity->second.finish_s(site.done, site.total, site.rate, now_);
  }

  const Coordinator& coordinator_;
  const Job& job_;
  const Instant now_;
};

std::uint64_t bytes_to_come(const round::Report& report, const Plan& plan) {
  const bool open =
      report.job == round::JobState::running || report.job == round::JobState::draining;
  if (!open || report.phase == round::Phase::closing || report.phase == round::Phase::committing)
    return 0;
  const bool collecting = report.phase == round::Phase::collecting;
  const std::int64_t clients = collecting ? report.outstanding : report.cohort - report.accepted;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, clients)) *
         plan.update_bytes(report.kind);
}

}  // namespace

Room room_of(const Coordinator& coordinator) {
  const CoordinatorParts& parts = coordinator.parts();
  Room room{.staged_bytes = parts.staging.bytes_reserved(),
            .staged_bytes_max = parts.config.limits.upload_bytes_max,
            .memory_bytes = coordinator.memory_in_use(),
            .memory_bytes_max = parts.memory_bytes_max};
  const auto free = parts.disk.bytes_free(parts.config.state_dir);
  if (free) room.disk_free_bytes = *free;
  return room;
}

View view_of(const Coordinator& coordinator, const Job& job) {
  View view{.job = job.name(), .report = *job.report(), .room = room_of(coordinator)};
  view.silent_s_max = kSilentShareMax * coordinator.parts().config.limits.idle_s;
  view.room.round_bytes = bytes_to_come(view.report, job.plan());
  if (view.report.retry_at) view.retry_s = seconds(*view.report.retry_at - job.now());
  if (view.report.deadline) view.deadline_s = seconds(*view.report.deadline - job.now());
  if (const auto sum = job.secure_progress()) {
    view.sum_step = sum->step;
    view.deadline_s = seconds(sum->deadline - job.now());
    for (const std::int64_t client : sum->waiting) {
      view.sum_waits_for.push_back(coordinator.name_of(client));
    }
  }
  view.decryption = job.decryption_state();
  view.key_holder_missing = job.key_holder_missing();
  const Collector collector(coordinator, job);
  std::set<std::int64_t> known;
  for (const round::ClientReport& client : view.report.clients) {
    known.insert(client.client);
    view.sites.push_back(collector.member_or_available(client));
    Site& site = view.sites.back();
    if (site.stands_still(view.silent_s_max)) site.ready_s.reset();
  }
  const auto registered = coordinator.parts().journal.clients();
  if (!registered) return view;
  for (const store::Client& client : *registered) {
    if (!client.revoked_at && !known.contains(client.id))
      view.sites.push_back(collector.other(client));
  }
  by_urgency(view);
  return view;
}

}  // namespace fed::app
