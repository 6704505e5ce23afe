#include "app/coordinator.h"

#include <algorithm>

#include "base/log.h"
#include "crypto/random.h"

namespace fed::app {

Coordinator::Coordinator(CoordinatorParts parts)
    : parts_(std::move(parts)),
      services_{.config = parts_.config,
                .journal = parts_.journal,
                .staging = parts_.staging,
                .checkpoints = parts_.checkpoints,
                .parallel_for = parts_.parallel_for,
                .threads = parts_.threads,
                .early_fold_from = parts_.early_fold_from,
                .disk = parts_.disk,
                .blobs = parts_.blobs,
                .control = parts_.control,
                .compute = parts_.compute,
                .session_of = [this](std::int64_t client) { return session_of(client); },
                .name_of = [this](std::int64_t client) { return name_of(client); },
                .identity_of = [this](std::int64_t client) { return identities_.at(client); },
                .site_of = [this](std::int64_t client) { return site_of(client); },
                .at_rest = [this](const std::string&) { at_rest(); }} {}

Status Coordinator::start() {
  FED_TRY(load_directory());
  FED_ASSIGN(rows, parts_.journal.jobs());
  for (const store::Job& row : rows) {
    auto spec = config::parse_job(row.spec);
    if (!spec) {
      log::error("job {}: its stored file is not valid for this version: {}", row.name,
                 config::format_problems(row.name, spec.error()));
      continue;
    }
    const auto plan = make_plan(std::move(*spec));
    if (!plan) {
      log::error("job {}: it cannot be gone on with in this version: {}", row.name,
                 plan.error().detail);
      continue;
    }
    const auto job = std::make_shared<Job>(*plan, services_);
    jobs_.emplace(row.name, job);
    job->start();
  }
  return {};
}

Status Coordinator::load_directory() {
  FED_ASSIGN(clients, parts_.journal.clients());
  for (const store::Client& client : clients) {
    names_[client.id] = client.name;
    identities_[client.id] = client.identity_key;
    if (client.revoked_at) {
      revoked_.insert(client.id);
    } else {
      parts_.directory.add_client(client.channel_key, {client.id, client.name});
    }
  }
  FED_ASSIGN(invites, parts_.journal.invites());
  for (const store::PendingInvite& pending : invites) {
    auto invite = parts_.journal.find_invite(pending.id, parts_.control.unix_seconds());
    if (invite) parts_.directory.add_invite(pending.id, std::move(invite->psk), pending.expires_at);
  }
  return {};
}

void Coordinator::opened(std::shared_ptr<Session> session) {
  const KnownClient& client = session->client();
  // A client that was revoked between its handshake and now.
  if (revoked_.contains(client.id))
    return session->close(wire::Bye{"this client has been revoked", false});
  const auto older = std::exchange(sessions_[client.id], session);
  if (older) older->close(wire::Bye{"the same client has connected again", true});
  sites_.erase(client.id);
  departures_.erase(client.id);
  log::info("client {} connected from {}", client.name, session->address());
  const Status touched = parts_.journal.touch(client.id, parts_.control.unix_seconds());
  if (!touched) log::debug("{}", touched.error().detail);
  session->send(wire::Welcome{client.name, "fedserver", parts_.config.limits.idle_s});
  for (const auto& [name, job] : jobs_) {
    if (job->ended()) session->send(wire::JobEnded{name, "the job has ended"});
    job->connected(client.id);
  }
}

void Coordinator::received(std::shared_ptr<Session> session, wire::Message message) {
  const std::int64_t client = session->client().id;
  if (session_of(client) != session) return;  // an older connection of the same client
  if (const auto* site = std::get_if<wire::Availability>(&message)) {
    return site_said(client, *site);
  }
  const std::string name = std::visit(
      [](const auto& m) -> std::string {
        if constexpr (requires { m.job; }) return m.job;
        if constexpr (requires { m.name.job; }) return m.name.job;
        return {};
      },
      message);
  const auto candidate = candidates_.find(name);
  const auto found = candidate != candidates_.end() ? candidate->second.job : job(name);
  if (!found) {
    const auto* offer = std::get_if<wire::Offer>(&message);
    const auto reason = static_cast<std::uint8_t>(round::Reason::job_ended);
    if (offer != nullptr) {
      session->send(wire::Receipt{name, offer->task, wire::Outcome::discarded, reason,
                                  "there is no job of this name on the server"});
    }
    return;
  }
  found->received(client, std::move(message));
  if (candidates_.contains(name)) consider(name);
}

void Coordinator::site_said(std::int64_t client, const wire::Availability& message) {
  const bool news = !sites_.contains(client) || sites_[client].said.open != message.open;
  SiteLimits& site = sites_[client];
  site = {message, parts_.control.now()};
  const std::string limits = limits_text(message);
  if (news) {
    log::info("client {}: {}{}{}", name_of(client),
              message.open ? "open" : rest_text(site, site.at, parts_.control.unix_seconds()),
              limits.empty() ? "" : "; ", limits);
  }
  for (const auto& [name, job] : jobs_) job->site_changed(client);
  for (const auto& [name, candidate] : candidates_) candidate.job->site_changed(client);
}

const SiteLimits* Coordinator::site_of(std::int64_t client) const {
  const auto entry = sites_.find(client);
  return entry == sites_.end() ? nullptr : &entry->second;
}

void Coordinator::uploaded(std::shared_ptr<Session> session, store::UploadKey key,
                           Result<store::UploadFacts> facts) {
  const auto found = job(key.job);
  if (found) found->uploaded(session->client().id, key.task, std::move(facts));
}

void Coordinator::closed(std::shared_ptr<Session> session, Error reason) {
  const std::int64_t client = session->client().id;
  if (session_of(client) != session) return;
  sessions_.erase(client);
  sites_.erase(client);
  departures_[client] = {parts_.control.now(), reason.detail};
  log::info("client {} disconnected: {}", session->client().name, reason.detail);
  const Status touched = parts_.journal.touch(client, parts_.control.unix_seconds());
  if (!touched) log::debug("{}", touched.error().detail);
  for (const auto& [name, job] : jobs_) job->disconnected(client);
  std::vector<std::string> waiting;
  for (auto& [name, candidate] : candidates_) {
    candidate.asked.erase(client);
    waiting.push_back(name);
  }
  for (const std::string& name : waiting) consider(name);
  if (sessions_.empty() && alone_) std::exchange(alone_, {})();
}

std::shared_ptr<Job> Coordinator::job(const std::string& name) const {
  const auto entry = jobs_.find(name);
  return entry == jobs_.end() ? nullptr : entry->second;
}

std::shared_ptr<Session> Coordinator::session_of(std::int64_t client) const {
  const auto entry = sessions_.find(client);
  return entry == sessions_.end() ? nullptr : entry->second;
}

std::string Coordinator::name_of(std::int64_t client) const {
  const auto entry = names_.find(client);
  return entry == names_.end() ? "client " + std::to_string(client) : entry->second;
}

const Departure* Coordinator::departure_of(std::int64_t client) const {
  const auto entry = departures_.find(client);
  return entry == departures_.end() ? nullptr : &entry->second;
}

void Coordinator::disconnect_all(const std::string& detail, std::function<void()> alone) {
  if (sessions_.empty()) return alone();
  alone_ = std::move(alone);
  for (const auto& [client, session] : sessions_) session->close(wire::Bye{detail, true});
}

namespace {

constexpr std::int64_t kInviteSecondsMax = std::int64_t{366} * 86400;

// The same as a client file's "name" may be.
bool is_client_name(const std::string& name) {
  const auto is_letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto is_allowed = [&](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 63 && is_letter_or_digit(name[0]) &&
         std::all_of(name.begin(), name.end(), is_allowed);
}

}  // namespace

Result<Coordinator::Invited> Coordinator::invite(const std::string& name, std::int64_t valid_s) {
  if (!is_client_name(name)) {
    return Error{ErrorCode::invalid,
                 "a client's name has 1 to 63 characters of A-Z, a-z, 0-9, ., - and _, and begins "
                 "with a letter or digit"};
  }
  if (valid_s < 1 || valid_s > kInviteSecondsMax) {
    return Error{ErrorCode::invalid,
                 "a join code is good for at least a second and at most a year"};
  }
  const auto id = crypto::random_array<8>();
  Invited invited{name, id, crypto::SecretKey::random(), parts_.control.unix_seconds() + valid_s};
  const store::Invite row{id, name, invited.psk.duplicate(), invited.expires_at};
  FED_TRY(parts_.journal.add_invite(row));
  parts_.directory.add_invite(id, invited.psk.duplicate(), invited.expires_at);
  log::info("invited {}", name);
  return invited;
}

Result<std::string> Coordinator::join(const channel::JoinId& id, const crypto::PublicKey& key,
                                      const crypto::VerifyKey& identity) {
  FED_ASSIGN(client, parts_.journal.take_invite(id, key, identity, parts_.control.unix_seconds()));
  parts_.directory.remove_invite(id);
  parts_.directory.add_client(key, {client.id, client.name});
  names_[client.id] = client.name;
  identities_[client.id] = identity;
  log::info("client {} has joined", client.name);
  return client.name;
}

Status Coordinator::revoke(const std::string& name) {
  FED_ASSIGN(client, parts_.journal.find_client(name));
  FED_TRY(parts_.journal.revoke(name, parts_.control.unix_seconds()));
  parts_.directory.remove_client(client.channel_key);
  revoked_.insert(client.id);
  log::warning("client {} is revoked", name);
  const auto session = session_of(client.id);
  if (session) session->close(wire::Bye{"this client has been revoked", false});
  sessions_.erase(client.id);
  for (const auto& [job_name, job] : jobs_) job->removed(client.id);
  return {};
}

Status Coordinator::order(const std::string& name, round::JobState to) {
  const auto found = job(name);
  if (!found)
    return Error{ErrorCode::not_found, "there is no job \"" + name + "\"; see `fedserver jobs`"};
  if (found->ended()) return Error{ErrorCode::invalid, "job \"" + name + "\" has ended"};
  if (draining_ && to == round::JobState::running) {
    return Error{ErrorCode::closed, "the server is draining; resume the job after its restart"};
  }
  const Status ordered = found->order(to);
  if (ordered) return {};
  return Error{ordered.error().code, "the order could not be recorded, and nothing has changed: " +
                                         ordered.error().detail};
}

void Coordinator::drain(std::function<void()> rested) {
  draining_ = true;
  rested_.push_back(std::move(rested));
  // A paused job rests already, and stays paused when the daemon comes back.
  for (const auto& [name, job] : jobs_) {
    if (job->ended() || job->state() == round::JobState::paused) continue;
    FED_CHECK(job->order(round::JobState::draining).has_value());  // is not recorded
  }
  at_rest();
}

void Coordinator::at_rest() {
  if (!draining_ || rested_.empty()) return;
  for (const auto& [name, job] : jobs_) {
    if (!job->at_rest()) return;
  }
  for (const auto& rested : std::exchange(rested_, {})) rested();
}

}  // namespace fed::app
