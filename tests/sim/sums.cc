#include "sums.h"

#include <fmt/format.h>

#include <algorithm>

namespace fed::sim {
namespace {

// The message without the task of whoever it is for, which may differ.
template <class M>
Bytes without_name(M message) {
  message.name = {};
  return wire::encode(message);
}

std::string text(const SumId& id) { return fmt::format("{} sum {}", id.job, id.attempt); }

}  // namespace

template <class Key>
void Sums::once(std::map<Key, Bytes>& known, const Key& key, Bytes now,
                const std::string& complaint) {
  const auto [at, is_new] = known.try_emplace(key, now);
  if (!is_new && at->second != now && wrong_.empty()) wrong_ = complaint;
}

void Sums::overhear(std::size_t client, const wire::Message& message, bool incoming) {
  if (incoming) {
    told(client, message);
  } else {
    said(client, message);
  }
}

// The server says the same to everybody, and again to whoever was away.
void Sums::told(std::size_t client, const wire::Message& message) {
  const auto common = [&](const auto& m) {
    const SumId id = id_of(m.name);
    once(sums_[id].told, std::string(wire::name(message)), without_name(m),
         fmt::format("{}: clients were told two kinds of {}", text(id), wire::name(message)));
    return &sums_[id];
  };
  if (const auto* terms = std::get_if<wire::SecureTerms>(&message)) {
    auto* sum = common(*terms);
    sum->clients = terms->terms.clients;
    sum->round = static_cast<std::int64_t>(terms->terms.round);
  }
  if (const auto* roster = std::get_if<wire::SecureRoster>(&message))
    common(*roster)->roster = roster->roster;
  if (const auto* survivors = std::get_if<wire::SecureSurvivors>(&message))
    common(*survivors)->set = survivors->set;
  if (const auto* signatures = std::get_if<wire::SecureSignatures>(&message)) common(*signatures);
  if (const auto* delivery = std::get_if<wire::SecureDelivery>(&message)) {
    const SumId id = id_of(delivery->name);
    once(sums_[id].shares, {client, "delivery"}, without_name(*delivery),
         fmt::format("{}: site-{} was given shares twice, and other ones", text(id), client + 1));
  }
  if (const auto* end = std::get_if<wire::SecureAbandoned>(&message))
    sums_[id_of(end->name)].abandoned = true;
}

// A client answers once, in all its lives; what it says again is the same.
void Sums::said(std::size_t client, const wire::Message& message) {
  if (const auto* offer = std::get_if<wire::Offer>(&message)) return check_offer(client, *offer);
  const auto* refused = std::get_if<wire::TaskRefused>(&message);
  if (refused != nullptr && refused->for_good) hopeless_.insert(refused->job);
  const bool is_answer = std::holds_alternative<wire::SecureKeys>(message) ||
                         std::holds_alternative<wire::SecureShares>(message) ||
                         std::holds_alternative<wire::SecureSignature>(message) ||
                         std::holds_alternative<wire::SecureReveal>(message);
  if (!is_answer) return;
  note_reveal(client, message);
  if (const auto* keys = std::get_if<wire::SecureKeys>(&message)) names_[client] = keys->keys.id;
  std::visit(
      [&](const auto& m) {
        if constexpr (requires { m.name.attempt; }) {
          const SumId id = id_of(m.name);
          if (sums_[id].spoiled) return;
          once(sums_[id].said, {client, wire::name(message)}, wire::encode(message),
               fmt::format("{}: site-{} has given {} twice", text(id), client + 1,
                           wire::name(message)));
        }
      },
      message);
}

void Sums::note_reveal(std::size_t client, const wire::Message& message) {
  const auto* reveal = std::get_if<wire::SecureReveal>(&message);
  if (reveal == nullptr) return;
  Revealed& revealed = revealed_[{client, reveal->name.job, reveal->name.task}];
  if (revealed.attempt != reveal->name.attempt) ++revealed.count;
  revealed = {reveal->name.attempt, revealed.count, false};
}

void Sums::lied(std::size_t client, const wire::SecureName& name, const wire::Message& meant) {
  sums_[id_of(name)].spoiled = true;
  note_reveal(client, meant);  // its program takes its update for revealed
}

// What lies with a client leaves it under a mask only, and nothing is said of it.
void Sums::check_offer(std::size_t client, const wire::Offer& offer) {
  if (!offer.model) return;
  const SumId id{offer.job, offer.attempt};
  if (offer.attempt > 0) {
    const auto before = revealed_.find({client, offer.job, offer.task});
    const bool again = before != revealed_.end() && before->second.attempt != offer.attempt &&
                       !before->second.trained_since;
    if (again && wrong_.empty())
      wrong_ = fmt::format("{}: site-{} hands in the update that is in sum {}, which it revealed",
                           text(id), client + 1, before->second.attempt);
    const Task task{client, offer.job, offer.task};
    const auto trainings = trainings_.find(task);
    sums_[id].inputs[names_[client]] = {client, offer.task,
                                        trainings == trainings_.end() ? 0 : trainings->second};
    const Bytes sum(offer.checksum.begin(), offer.checksum.end());
    return once(sums_[id].said, {client, "input"}, sum,
                fmt::format("{}: site-{} has masked two inputs", text(id), client + 1));
  }
  const bool silent = offer.body.empty() && offer.metrics.empty() && offer.checksum == Checksum();
  if (!silent && wrong_.empty())
    wrong_ = fmt::format("{}: site-{} tells of its own update", text(id), client + 1);
}

void Sums::arrived(std::int64_t client, const wire::Message& message) {
  const auto* reveal = std::get_if<wire::SecureReveal>(&message);
  if (reveal == nullptr) return;
  const auto at = sums_.try_emplace(id_of(reveal->name)).first;
  const auto next = std::next(at);
  const bool late = next != sums_.end() && next->first.job == at->first.job;
  for (const auto& share : reveal->shares) {
    if (!late) at->second.revealed[share.about].insert(client);
    at->second.heard[share.about].insert(client);
  }
}

void Sums::server_died(bool lost_power, bool disk_failed) {
  for (auto at = sums_.begin(); at != sums_.end(); ++at) {
    const auto next = std::next(at);
    const bool last = next == sums_.end() || next->first.job != at->first.job;
    const bool lost = lost_power && !is_open(at->second);
    if (lost || (last && disk_failed)) at->second.revealed.clear();
  }
}

// All masks can be taken out.
bool Sums::is_enough(const Sum& sum,
                     const std::map<secagg::Member, std::set<std::int64_t>>& shares) {
  const auto enough = [&](secagg::Member member) {
    const auto at = shares.find(member);
    return at != shares.end() && at->second.size() >= sum.roster.parameters.threshold;
  };
  return !sum.spoiled && !sum.set.survivors.empty() &&
         std::all_of(sum.set.survivors.begin(), sum.set.survivors.end(), enough) &&
         std::all_of(sum.set.dropped.begin(), sum.set.dropped.end(), enough);
}

bool Sums::is_open(const Sum& sum) { return !sum.abandoned && is_enough(sum, sum.revealed); }

std::set<Sums::Update> Sums::updates_in(const Sum& sum) {
  std::set<Update> updates;
  for (const secagg::Member member : sum.set.survivors) {
    const auto input = sum.inputs.find(sum.roster.entries.at(member).id);
    if (input != sum.inputs.end()) updates.insert(input->second);
  }
  return updates;
}

std::string Sums::told_apart() const {
  std::map<SumId, std::set<Update>> known;
  for (const auto& [id, sum] : sums_) {
    if (is_enough(sum, sum.heard)) known[id] = updates_in(sum);
  }
  for (const auto& [a, of_a] : known) {
    for (const auto& [b, of_b] : known) {
      if (!(a < b) || a.job != b.job || of_a == of_b) continue;
      std::vector<Update> both, one;
      std::set_intersection(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(),
                            std::back_inserter(both));
      std::set_symmetric_difference(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(),
                                    std::back_inserter(one));
      if (both.empty() || one.size() > sums_.at(a).roster.parameters.threshold) continue;
      return fmt::format("{} and {} can both be made, and differ in {} updates only", text(a),
                         text(b), one.size());
    }
  }
  return {};
}

std::map<SumId, Sums::Opened> Sums::opened() const {
  std::map<SumId, Opened> opened;
  for (const auto& [id, sum] : sums_) {
    if (!is_open(sum)) continue;
    opened[id].round = sum.round;
    for (const secagg::Member member : sum.set.survivors)
      opened[id].survivors.insert(sum.roster.entries.at(member).id);
  }
  return opened;
}

std::size_t Sums::count(const std::function<bool(const Sum&)>& is_one) const {
  return static_cast<std::size_t>(std::count_if(
      sums_.begin(), sums_.end(), [&](const auto& each) { return is_one(each.second); }));
}

std::size_t Sums::begun() const {
  return count([](const Sum& sum) { return sum.clients > 0; });
}
std::size_t Sums::of_statistics() const {
  return count([](const Sum& sum) { return sum.clients > 0 && sum.round == 0; });
}
std::size_t Sums::made() const { return count(is_open); }
std::size_t Sums::abandoned() const {
  return count([](const Sum& sum) { return sum.abandoned; });
}
std::size_t Sums::short_of_clients() const {
  return count(
      [](const Sum& sum) { return is_open(sum) && sum.set.survivors.size() < sum.clients; });
}

}  // namespace fed::sim
