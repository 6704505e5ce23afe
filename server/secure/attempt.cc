#include "secure/attempt.h"

#include <algorithm>

namespace fed::secure {
namespace {

secagg::IdentityLookup lookup(const std::vector<Invited>& invited) {
  std::map<std::string, crypto::VerifyKey, std::less<>> keys;
  for (const Invited& each : invited) keys[each.id] = each.identity;
  return [keys = std::move(keys)](std::string_view id) -> std::optional<crypto::VerifyKey> {
    const auto at = keys.find(id);
    if (at == keys.end()) return std::nullopt;
    return at->second;
  };
}

}  // namespace

const char* name(Step step) {
  switch (step) {
    case Step::keys:
      return "keys";
    case Step::shares:
      return "shares";
    case Step::inputs:
      return "inputs";
    case Step::signatures:
      return "signatures";
    case Step::reveal:
      return "reveal";
    case Step::complete:
      return "complete";
    case Step::failed:
      return "failed";
  }
  FED_CHECK(false);
}

Attempt::Attempt(Setup setup)
    : setup_(std::move(setup)),
      server_(setup_.terms, {setup_.survivors_min, setup_.survivors_min}, lookup(setup_.invited)) {
  for (std::size_t i = 0; i < setup_.invited.size(); ++i) places_[setup_.invited[i].client] = i;
  FED_CHECK(places_.size() == setup_.invited.size());
}

Actions Attempt::begin(Instant now) {
  std::set<std::int64_t> all;
  for (const Invited& each : setup_.invited) all.insert(each.client);
  enter(Step::keys, std::move(all), now);
  Actions out;
  tell_all(out);
  return out;
}

Actions Attempt::received(std::int64_t client, const wire::Message& message, Instant now) {
  Actions out;
  if (!waiting_.contains(client)) return out;
  if (const auto* refused = std::get_if<wire::SecureRefused>(&message)) {
    if (!(refused->name == name_for(client))) return out;
    return gone(client, "refuses: " + refused->reason + ": " + refused->detail, now);
  }
  const Status taken = take(client, message);
  if (!taken && taken.error().code == ErrorCode::closed) return out;  // of an earlier step
  if (!taken) return gone(client, "said something wrong: " + taken.error().detail, now);
  out.push_back(Note{Note::Kind::message, client, wire::encode(message)});
  advance(now, out);
  return out;
}

Actions Attempt::input(std::int64_t client, Instant now) {
  Actions out;
  if (!wants_input(client) || !take_input(client)) return out;
  out.push_back(Note{Note::Kind::input, client, {}});
  advance(now, out);
  return out;
}

Actions Attempt::connected(std::int64_t client) const {
  Actions out;
  if (!waiting_.contains(client)) return out;
  if (auto message = question(client)) out.push_back(Tell{client, std::move(*message)});
  return out;
}

Actions Attempt::gone(std::int64_t client, const std::string& why, Instant now) {
  Actions out;
  const bool ended = step_ == Step::complete || step_ == Step::failed;
  if (ended || !places_.contains(client) || out_.contains(client)) return out;
  lose(client, why, false);
  advance(now, out);
  return out;
}

Actions Attempt::tick(Instant now) {
  Actions out;
  advance(now, out);
  return out;
}

std::optional<Instant> Attempt::next_wakeup() const {
  if (step_ == Step::complete || step_ == Step::failed) return std::nullopt;
  return deadline_;
}

bool Attempt::wants_input(std::int64_t client) const {
  return step_ == Step::inputs && waiting_.contains(client);
}

std::optional<std::int64_t> Attempt::task_of(std::int64_t client) const {
  if (!places_.contains(client)) return std::nullopt;
  return invited(client).task;
}

// --- messages

Status Attempt::check_turn(std::int64_t client, const wire::SecureName& named, Step step) const {
  if (step_ == step && named == name_for(client)) return {};
  return Error{ErrorCode::closed, "this is of another step or attempt"};
}

Status Attempt::take(std::int64_t client, const wire::Message& message) {
  FED_TRY(std::visit([&](const auto& m) { return accept(client, m); }, message));
  waiting_.erase(client);
  answered_.insert(client);
  return {};
}

Status Attempt::take_input(std::int64_t client) {
  FED_TRY(server_.input(member_of_.at(client)));
  waiting_.erase(client);
  answered_.insert(client);
  return {};
}

Status Attempt::accept(std::int64_t client, const wire::SecureKeys& message) {
  FED_TRY(check_turn(client, message.name, Step::keys));
  if (message.keys.id != invited(client).id) {
    return Error{ErrorCode::invalid, "its keys are under another name than its own"};
  }
  const Status taken = server_.keys(message.keys);
  if (taken || taken.error().code != ErrorCode::unauthentic) return taken;
  return Error{ErrorCode::unauthentic,
               "its keys are not signed by the identity that it joined with (is its identity.key "
               "another site's, or an older one?)"};
}

Status Attempt::accept(std::int64_t client, const wire::SecureShares& message) {
  FED_TRY(check_turn(client, message.name, Step::shares));
  return server_.shares(member_of_.at(client), message.shares);
}

Status Attempt::accept(std::int64_t client, const wire::SecureSignature& message) {
  FED_TRY(check_turn(client, message.name, Step::signatures));
  return server_.signature(member_of_.at(client), message.signature);
}

Status Attempt::accept(std::int64_t client, const wire::SecureReveal& message) {
  FED_TRY(check_turn(client, message.name, Step::reveal));
  FED_ASSIGN(used, server_.reveal(member_of_.at(client), message.shares));
  static_cast<void>(used);  // shares may be needed no more
  return {};
}

// --- steps

bool Attempt::is_over(Instant now) const {
  if (step_ == Step::complete || step_ == Step::failed) return false;
  if (step_ == Step::reveal && server_.complete()) return true;
  return waiting_.empty() || now >= deadline_;
}

void Attempt::advance(Instant now, Actions& out) {
  while (is_over(now)) {
    Actions more = close(now);
    std::move(more.begin(), more.end(), std::back_inserter(out));
  }
}

Actions Attempt::close(Instant now) {
  for (const std::int64_t client : std::set<std::int64_t>(waiting_)) {
    // The shares of some are enough.
    if (step_ != Step::reveal || !server_.complete()) {
      lose(client, std::string("is silent (step ") + name(step_) + ")", true);
    }
  }
  Actions out{Note{Note::Kind::close, 0, {}}};
  if (const auto abandoned = close_step()) {
    fail(*abandoned, out);
    return out;
  }
  switch (step_) {
    case Step::keys:
      enter(Step::shares, still_in({members_.begin(), members_.end()}), now);
      break;
    case Step::shares:
      enter(Step::inputs, still_in(answered_), now);
      break;
    case Step::inputs:
      enter(Step::signatures, still_in(clients_of(set_.survivors)), now);
      break;
    case Step::signatures:
      enter(Step::reveal, still_in(clients_of(set_.survivors)), now);
      break;
    case Step::reveal:
      enter(Step::complete, {}, now);
      out.push_back(Complete{});
      break;
    case Step::complete:
    case Step::failed:
      FED_CHECK(false);
  }
  tell_all(out);
  return out;
}

std::optional<secagg::Abandoned> Attempt::close_step() {
  switch (step_) {
    case Step::keys: {
      auto roster = server_.close_keys();
      if (!roster) return roster.error();
      roster_ = std::move(*roster);
      std::map<std::string, std::int64_t, std::less<>> clients;
      for (const Invited& each : setup_.invited) clients[each.id] = each.client;
      for (const auto& entry : roster_.entries) {
        member_of_[clients.at(entry.id)] = static_cast<secagg::Member>(members_.size());
        members_.push_back(clients.at(entry.id));
      }
      return std::nullopt;
    }
    case Step::shares: {
      const auto closed = server_.close_shares();
      if (!closed) return closed.error();
      return std::nullopt;
    }
    case Step::inputs: {
      auto set = server_.close_inputs();
      if (!set) return set.error();
      set_ = std::move(*set);
      return std::nullopt;
    }
    case Step::signatures: {
      auto signatures = server_.close_signatures();
      if (!signatures) return signatures.error();
      signatures_ = std::move(*signatures);
      return std::nullopt;
    }
    case Step::reveal:
      if (server_.complete()) return std::nullopt;
      return secagg::Abandoned{secagg::AbandonReason::too_few_shares,
                               "too few clients came back to remove the masks",
                               {}};
    case Step::complete:
    case Step::failed:
      break;
  }
  FED_CHECK(false);
}

void Attempt::enter(Step step, std::set<std::int64_t> waiting, Instant now) {
  step_ = step;
  waiting_ = std::move(waiting);
  answered_.clear();
  deadline_ = now + (step == Step::inputs ? setup_.inputs_max : setup_.step_max);
}

void Attempt::tell_all(Actions& out) const {
  for (const std::int64_t client : waiting_) {
    if (auto message = question(client)) out.push_back(Tell{client, std::move(*message)});
  }
}

// What this step asks of a client.
std::optional<wire::Message> Attempt::question(std::int64_t client) const {
  const wire::SecureName named = name_for(client);
  switch (step_) {
    case Step::keys:
      return wire::SecureTerms{named, setup_.terms};
    case Step::shares: {
      wire::SecureRoster message{named, roster_, {}};
      for (const std::int64_t member : members_) {
        message.identities.push_back(invited(member).identity);
      }
      return message;
    }
    case Step::inputs:
      return wire::SecureDelivery{named, server_.delivery(member_of_.at(client))};
    case Step::signatures:
      return wire::SecureSurvivors{named, set_};
    case Step::reveal:
      return wire::SecureSignatures{named, signatures_};
    case Step::complete:
    case Step::failed:
      return std::nullopt;
  }
  FED_CHECK(false);
}

void Attempt::fail(const secagg::Abandoned& why, Actions& out) {
  enter(Step::failed, {}, {});
  Failed failed{why.detail, {}};
  for (const auto& [client, lost] : out_) failed.lost.push_back(lost);
  for (const Invited& each : setup_.invited) {
    out.push_back(Tell{each.client, wire::SecureAbandoned{name_for(each.client), why.detail}});
  }
  out.push_back(std::move(failed));
}

boost::system::result<secagg::Words, Failed> Attempt::finish(
    secagg::Words masked, const secagg::Parallel& parallel) const {
  FED_CHECK(step_ == Step::complete);
  auto sum = server_.finish(std::move(masked), parallel);
  if (sum) return std::move(*sum);
  Failed failed{sum.error().detail, {}};
  for (const Invited& each : setup_.invited) {
    if (sum.error().culprit == each.id) {
      failed.lost.push_back({each.client, "dealt shares of something else than it promised"});
    }
  }
  return failed;
}

Status Attempt::restore(const std::vector<Note>& notes, Instant now) {
  static_cast<void>(begin(now));
  for (const Note& note : notes) {
    const Status done = repeat(note, now);
    if (!done) {
      return Error{ErrorCode::malformed, "not the record of this sum: " + done.error().detail};
    }
  }
  // Nobody may be left who would answer. Else they have lost their connection, and come back.
  deadline_ = is_over(now) ? now : std::max(deadline_, now + kReturnMax);
  return {};
}

Status Attempt::repeat(const Note& note, Instant now) {
  if (note.kind == Note::Kind::close) {
    if (step_ == Step::complete || step_ == Step::failed) {
      return Error{ErrorCode::malformed, "it goes on after its end"};
    }
    static_cast<void>(close(now));
    return {};
  }
  if (!waiting_.contains(note.client)) {
    return Error{ErrorCode::malformed, "it names a client out of turn"};
  }
  if (note.kind == Note::Kind::input) {
    if (!wants_input(note.client)) return Error{ErrorCode::malformed, "an input out of turn"};
    return take_input(note.client);
  }
  FED_ASSIGN(message, wire::decode(note.message));
  return take(note.client, message);
}

// --- who is who

void Attempt::lose(std::int64_t client, std::string detail, bool silent) {
  waiting_.erase(client);
  out_[client] = {client, std::move(detail), silent};
}

wire::SecureName Attempt::name_for(std::int64_t client) const {
  return {setup_.terms.job, invited(client).task, setup_.terms.attempt};
}

std::set<std::int64_t> Attempt::clients_of(const std::vector<secagg::Member>& members) const {
  std::set<std::int64_t> clients;
  for (const secagg::Member member : members) clients.insert(members_[member]);
  return clients;
}

std::set<std::int64_t> Attempt::still_in(std::set<std::int64_t> clients) const {
  std::erase_if(clients, [this](std::int64_t client) { return out_.contains(client); });
  return clients;
}

std::vector<std::int64_t> Attempt::survivors() const {
  std::vector<std::int64_t> clients;
  for (const secagg::Member member : set_.survivors) clients.push_back(members_[member]);
  return clients;
}

}  // namespace fed::secure
