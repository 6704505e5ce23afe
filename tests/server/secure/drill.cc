#include "drill.h"

#include <catch2/catch.hpp>

#include "secagg/packing.h"

namespace fed::secure {
namespace {

template <class T>
std::optional<wire::Message> said(secagg::Answer<T> answer, auto make) {
  if (!answer) return std::nullopt;
  return wire::Message(make(std::move(*answer)));
}

wire::Message through_wire(const wire::Message& message) {
  return wire::decode(wire::encode(message)).value();
}

}  // namespace

Setup setup_of(const secagg::World& world, std::uint32_t survivors_min) {
  Setup setup{.terms = world.terms,
              .invited = {},
              .survivors_min = survivors_min,
              .step_max = kStepMax,
              .inputs_max = kInputsMax};
  for (std::size_t i = 0; i < world.size(); ++i) {
    setup.invited.push_back({number_of(i), 70 + static_cast<std::int64_t>(i), secagg::World::id(i),
                             world.identity(i).verify_key()});
  }
  return setup;
}

Drill::Drill(const secagg::Options& options, std::uint32_t least)
    : world(options), survivors_min(least), attempt(setup_of(world, least)) {
  for (std::size_t i = 0; i < world.size(); ++i) clients_.push_back(world.client(i));
}

wire::SecureName Drill::name_for(std::size_t client) const {
  return {world.terms.job, 70 + static_cast<std::int64_t>(client), world.terms.attempt};
}

// --- the server's side

void Drill::carry_out(const Actions& actions) {
  for (const Action& action : actions) {
    if (const auto* note = std::get_if<Note>(&action)) {
      notes.push_back(*note);
      if (crash_at == notes.size()) {
        crash_at.reset();
        return restart();
      }
    } else if (const auto* tell = std::get_if<Tell>(&action)) {
      hear(client_of(tell->client), tell->message);
    } else if (const auto* end = std::get_if<Failed>(&action)) {
      REQUIRE_FALSE(over());
      failed = *end;
    } else {
      REQUIRE_FALSE(over());
      complete = true;
    }
  }
}

void Drill::restart() {
  ++restarts;
  under_way_.clear();
  attempt = Attempt(setup_of(world, survivors_min));
  attempt.restore(notes, now).value();
  if (attempt.step() == Step::complete) complete = true;
  if (attempt.step() == Step::failed) failed.emplace();
  // As an app does: rows without a note, then whoever is there.
  for (const std::size_t client : rows_) carry_out(attempt.input(number_of(client), now));
  for (std::size_t client = 0; client < world.size(); ++client) {
    if (!away.contains(client)) carry_out(attempt.connected(number_of(client)));
  }
}

void Drill::hear(std::size_t client, const wire::Message& message) {
  const Bytes bytes = wire::encode(message);
  check_heard(client, wire::decode(bytes).value(), bytes);
  ++tells;
  if (!away.contains(client)) under_way_.emplace_back(client, bytes);
}

void Drill::check_heard(std::size_t client, const wire::Message& message, const Bytes& bytes) {
  const auto [at, first] = heard_[client].emplace(message.index(), bytes);
  if (!first && !std::holds_alternative<wire::SecureAbandoned>(message)) {
    REQUIRE(at->second == bytes);
  }
  const auto* told = std::get_if<wire::SecureSurvivors>(&message);
  if (told == nullptr) return;
  if (!survivors_told_) survivors_told_ = told->set;
  REQUIRE(told->set.survivors == survivors_told_->survivors);
  REQUIRE(told->set.dropped == survivors_told_->dropped);
}

void Drill::tick_at_wakeup() {
  const auto wakeup = attempt.next_wakeup();
  REQUIRE(wakeup);
  now = std::max(now, *wakeup);
  carry_out(attempt.tick(now));
}

void Drill::come_back(std::size_t client) {
  away.erase(client);
  carry_out(attempt.connected(number_of(client)));
}

void Drill::say(std::size_t client, const wire::Message& message) {
  carry_out(attempt.received(number_of(client), through_wire(message), now));
}

// --- the clients' side

void Drill::respond() {
  const std::size_t which = pick ? pick(under_way_.size()) : 0;
  const auto [client, bytes] = under_way_[which];
  under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(which));
  const wire::Message message = wire::decode(bytes).value();
  if (silent(attempt.step(), client) || away.contains(client)) return;
  if (std::holds_alternative<wire::SecureDelivery>(message)) {
    if (!answer(client, message) || !attempt.wants_input(number_of(client))) return;
    rows_.insert(client);
    return carry_out(attempt.input(number_of(client), now));
  }
  if (auto reply = answer(client, message)) say(client, alter(client, std::move(*reply)));
}

std::optional<wire::Message> Drill::answer(std::size_t client, const wire::Message& message) {
  const Bytes asked = wire::encode(message);
  auto& known = answers_[client];
  const auto at = known.find(asked);
  if (at != known.end()) return at->second;
  auto reply = work(client, message);
  known[asked] = reply;
  return reply;
}

std::optional<wire::Message> Drill::work(std::size_t client, const wire::Message& message) {
  secagg::Client& who = clients_[client];
  const wire::SecureName name = name_for(client);
  if (const auto* terms = std::get_if<wire::SecureTerms>(&message)) {
    CHECK(terms->name == name);
    return said(who.advertise(terms->terms), [&](auto keys) {
      return wire::SecureKeys{name, std::move(keys)};
    });
  }
  if (const auto* roster = std::get_if<wire::SecureRoster>(&message)) {
    return said(who.share(roster->roster), [&](auto shares) {
      return wire::SecureShares{name, std::move(shares)};
    });
  }
  if (const auto* delivery = std::get_if<wire::SecureDelivery>(&message)) {
    auto packed = who.mask(delivery->delivery, world.input(client));
    if (!packed) return std::nullopt;
    inputs_[client] = std::move(*packed);
    return wire::SecureSignature{};  // stands for its upload
  }
  if (const auto* set = std::get_if<wire::SecureSurvivors>(&message)) {
    return said(who.sign(set->set), [&](auto signature) {
      return wire::SecureSignature{name, signature};
    });
  }
  if (const auto* signatures = std::get_if<wire::SecureSignatures>(&message)) {
    return said(who.unmask(signatures->signatures), [&](auto shares) {
      return wire::SecureReveal{name, std::move(shares)};
    });
  }
  return std::nullopt;
}

// --- the whole

void Drill::run() {
  begin();
  run_to(Step::complete);
}

void Drill::run_to(Step step) {
  for (int i = 0; !over() && attempt.step() != step; ++i) {
    REQUIRE(i < 10'000);
    move();
  }
}

void Drill::run_for(std::size_t moves) {
  for (std::size_t i = 0; i < moves && !over(); ++i) move();
}

void Drill::move() {
  if (under_way_.empty()) {
    tick_at_wakeup();
  } else {
    respond();
  }
}

bool Drill::heard_once(std::size_t client, const Bytes& message) const {
  const auto& heard = heard_.at(client);
  return std::any_of(heard.begin(), heard.end(),
                     [&](const auto& entry) { return entry.second == message; });
}

boost::system::result<secagg::Words, Failed> Drill::finish() const {
  const auto& terms = world.terms;
  secagg::Words masked = secagg::zero_words(terms.modulus_bits, terms.length);
  for (const std::size_t client : survivors()) {
    secagg::add_packed(inputs_.at(client), terms.modulus_bits, masked);
  }
  return attempt.finish(std::move(masked), secagg::one_by_one);
}

std::vector<std::uint64_t> Drill::sum() const {
  const auto words = finish();
  if (!words) FAIL(words.error().detail);
  return secagg::values_of(*words);
}

std::vector<std::size_t> Drill::survivors() const {
  std::vector<std::size_t> clients;
  for (const std::int64_t number : attempt.survivors()) clients.push_back(client_of(number));
  return clients;
}

std::set<std::size_t> Drill::lost(bool silent_ones) const {
  std::set<std::size_t> clients;
  for (const Failed::Lost& each : failed.value().lost) {
    if (each.silent == silent_ones) clients.insert(client_of(each.client));
  }
  return clients;
}

}  // namespace fed::secure
