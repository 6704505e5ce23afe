// A session under test, and what its driver and its server say to it.
#pragma once

#include <string>
#include <vector>

#include "session/session.h"

namespace fed::session::testing {

using Effects = Session::Effects;

inline constexpr Instant kStart{};

inline wire::ModelRef model(std::uint8_t id) {
  wire::ModelRef ref;
  ref.hash.fill(id);
  ref.key.fill(id);
  ref.bytes = 400;
  ref.cipher = 2;
  return ref;
}

inline wire::Task task(std::int64_t task, const std::string& job = "job") {
  wire::Task t;
  t.job = job;
  t.task = task;
  t.base_version = task - 1;
  t.model = model(static_cast<std::uint8_t>(task));
  t.update_bytes = 400;
  return t;
}

inline wire::Task statistics() {
  wire::Task t;
  t.job = "job";
  t.kind = wire::TaskKind::statistics;
  t.update_bytes = 48;
  return t;
}

inline wire::Offer offer(std::int64_t task, const std::string& job = "job",
                         std::uint64_t bytes = 400) {
  wire::Offer o;
  o.job = job;
  o.task = task;
  o.base_version = task - 1;
  o.examples = 10;
  o.bytes = bytes;
  return o;
}

inline wire::Receipt receipt(std::int64_t task, wire::Outcome outcome = wire::Outcome::accepted,
                             const std::string& job = "job") {
  return {job, task, outcome, 0, ""};
}

inline wire::Retry retry(std::int64_t task, double after_s) { return {"job", task, "", after_s}; }

template <class E>
std::vector<E> all(const Effects& effects) {
  std::vector<E> found;
  for (const Effect& effect : effects) {
    if (const auto* e = std::get_if<E>(&effect)) found.push_back(*e);
  }
  return found;
}

// The messages of type M among the Sends.
template <class M>
std::vector<M> sent(const Effects& effects) {
  std::vector<M> found;
  for (const Send& send : all<Send>(effects)) {
    if (const auto* m = std::get_if<M>(&send.message)) found.push_back(*m);
  }
  return found;
}

// A session under test, with steps that most cases begin with.
struct Client {
  explicit Client(std::vector<wire::Offer> outbox = {}) : session("test", std::move(outbox)) {}

  Effects hears(const wire::Message& message, Instant at = kStart) {
    return session.message(message, at);
  }
  Effects connects() {
    Effects effects = session.connected();
    for (Effect& effect : hears(wire::Welcome{"hospital-3", "server", 120})) {
      effects.push_back(std::move(effect));
    }
    return effects;
  }
  void agrees(const std::string& job = "job") {
    hears(wire::JobOffer{job, "spec"});
    session.job_loaded(job, std::int64_t{10});
  }
  void is_training(std::int64_t number, const std::string& job = "job") {
    hears(task(number, job));
    session.model_ready(job, number - 1);
  }

  Session session;
};

inline Client ready() {
  Client client;
  client.connects();
  client.agrees();
  return client;
}

}  // namespace fed::session::testing
