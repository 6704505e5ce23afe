#include "secagg/server.h"

#include <algorithm>

#include "secagg/checks.h"

namespace fed::secagg {
namespace {

Error error(ErrorCode code, const char* detail) { return {code, detail}; }

Abandoned abandoned(AbandonReason reason, std::string detail) {
  return {reason, std::move(detail), {}};
}

std::vector<Member> members_of(const std::vector<bool>& marked) {
  std::vector<Member> members;
  for (Member member = 0; member < marked.size(); ++member) {
    if (marked[member]) members.push_back(member);
  }
  return members;
}

// Whether Diffie-Hellman with this key can give a secret. Any private key tells: the result is zero
// for all of them or for none.
bool is_safe(const crypto::PublicKey& key) {
  const crypto::Wiped<32> any;
  const crypto::X25519KeyPair pair(crypto::SecretKey(any.view(), crypto::Memory::plain));
  return pair.dh(key).has_value();
}

// The first member of `asked` with fewer than `threshold` neighbours in `marked`.
std::optional<Member> short_of(const Graph& graph, const std::vector<Member>& asked,
                               const std::vector<bool>& marked, std::uint32_t threshold) {
  for (Member member : asked) {
    if (graph.count_neighbours(member, marked) < threshold) return member;
  }
  return std::nullopt;
}

}  // namespace

Server::Server(Terms terms, ServerLimits limits, IdentityLookup identity_of)
    : terms_(std::move(terms)),
      limits_(limits),
      identity_of_(std::move(identity_of)),
      terms_hash_(hash_of(terms_)) {
  FED_CHECK(check(terms_).has_value());
}

Status Server::expect(Phase phase, Member from, const std::vector<bool>& allowed,
                      const std::vector<bool>& seen) const {
  if (phase_ != phase) return error(ErrorCode::closed, "the message belongs to another phase");
  if (from >= allowed.size() || !allowed[from]) {
    return error(ErrorCode::not_found, "the client is not, or no longer, part of this round");
  }
  if (seen[from]) return error(ErrorCode::already_exists, "the client has said this before");
  return {};
}

Status Server::check_keys(const SignedKeys& keys) const {
  if (phase_ != Phase::keys) return error(ErrorCode::closed, "the roster is complete");
  if (roster_.entries.size() >= terms_.clients) {
    return error(ErrorCode::invalid, "as many clients sent keys as were invited");
  }
  if (keys.id.empty() || keys.id.size() > kClientIdBytesMax) {
    return error(ErrorCode::malformed, "a client's id has 1 to 255 bytes");
  }
  const auto identity = identity_of_(keys.id);
  if (!identity) return error(ErrorCode::not_found, "no such client is invited");
  FED_TRY(crypto::verify(*identity, statement(keys, terms_hash_), keys.signature));
  if (keys.mask_key == keys.share_key || !is_safe(keys.mask_key) || !is_safe(keys.share_key)) {
    return error(ErrorCode::invalid, "the public keys are equal or of small order");
  }
  for (const SignedKeys& other : roster_.entries) {
    if (other.id == keys.id) return error(ErrorCode::already_exists, "the client sent its keys");
    if (other.mask_key == keys.mask_key || other.mask_key == keys.share_key ||
        other.share_key == keys.mask_key || other.share_key == keys.share_key) {
      return error(ErrorCode::already_exists, "another client has sent the same public key");
    }
  }
  return {};
}

Status Server::keys(const SignedKeys& keys) {
  FED_TRY(check_keys(keys));
  roster_.entries.push_back(keys);
  return {};
}

Attempt<Roster> Server::close_keys() {
  FED_CHECK(phase_ == Phase::keys);
  const std::size_t clients = roster_.entries.size();
  if (clients < std::max(limits_.clients_min, kClientsMin)) {
    return abandoned(AbandonReason::too_few_clients,
                     "only " + std::to_string(clients) + " clients sent keys");
  }
  const auto parameters = parameters_for(static_cast<std::uint32_t>(clients), terms_.threat);
  if (!parameters) return abandoned(AbandonReason::no_parameters, parameters.error().detail);
  roster_.parameters = *parameters;
  std::sort(roster_.entries.begin(), roster_.entries.end(),
            [](const SignedKeys& a, const SignedKeys& b) { return a.id < b.id; });
  const crypto::Hash keys = keys_hash(terms_hash_, roster_.entries);
  context_ = context_hash(keys, roster_.parameters);
  graph_.emplace(graph_of(keys, clients, roster_.parameters));
  everybody_.assign(clients, true);
  sharers_ = survivors_ = signers_ = revealers_ = std::vector<bool>(clients);
  dealt_.resize(clients);
  revealed_.resize(clients);
  phase_ = Phase::shares;
  return roster_;
}

Status Server::shares(Member from, const ShareMessage& message) {
  FED_TRY(expect(Phase::shares, from, everybody_, sharers_));
  std::vector<Member> holders;
  for (const DealtShares& shares : message) holders.push_back(shares.holder);
  if (holders != graph_->neighbours(from)) {
    return error(ErrorCode::malformed, "the shares are not one for each neighbour");
  }
  dealt_[from] = message;
  sharers_[from] = true;
  return {};
}

Attempt<void> Server::close_shares() {
  FED_CHECK(phase_ == Phase::shares);
  const std::vector<Member> sharers = members_of(sharers_);
  if (sharers.size() < survivors_wanted(*graph_, terms_.threat, limits_.survivors_min)) {
    return abandoned(AbandonReason::too_few_sharers,
                     "only " + std::to_string(sharers.size()) + " clients dealt shares");
  }
  if (const auto lonely = short_of(*graph_, sharers, sharers_, roster_.parameters.threshold)) {
    return abandoned(AbandonReason::too_few_sharers,
                     "too few neighbours of " + roster_.entries[*lonely].id + " dealt shares");
  }
  set_.dropped = sharers;  // until their inputs come
  phase_ = Phase::inputs;
  return {};
}

const DealtShares* Server::dealt(Member dealer, Member holder) const {
  const ShareMessage& all = dealt_[dealer];
  const auto found = std::lower_bound(
      all.begin(), all.end(), holder,
      [](const DealtShares& shares, Member wanted) { return shares.holder < wanted; });
  return found != all.end() && found->holder == holder ? &*found : nullptr;
}

ShareDelivery Server::delivery(Member to) const {
  ShareDelivery delivery;
  delivery.sharers = members_of(sharers_);
  for (Member dealer : graph_->neighbours(to)) {
    if (const DealtShares* shares = dealt(dealer, to)) {
      delivery.shares.push_back({dealer, shares->sealed});
    }
  }
  return delivery;
}

Status Server::input(Member from) {
  FED_TRY(expect(Phase::inputs, from, sharers_, survivors_));
  survivors_[from] = true;
  return {};
}

Attempt<SurvivorSet> Server::close_inputs() {
  FED_CHECK(phase_ == Phase::inputs);
  set_.survivors = members_of(survivors_);
  std::erase_if(set_.dropped, [this](Member member) { return survivors_[member]; });
  if (set_.survivors.size() < survivors_wanted(*graph_, terms_.threat, limits_.survivors_min)) {
    return abandoned(AbandonReason::too_few_survivors,
                     "only " + std::to_string(set_.survivors.size()) + " inputs came");
  }
  for (const auto* members : {&set_.survivors, &set_.dropped}) {
    if (const auto lonely = short_of(*graph_, *members, survivors_, roster_.parameters.threshold)) {
      return abandoned(
          AbandonReason::too_few_survivors,
          "too few neighbours of " + roster_.entries[*lonely].id + " sent their inputs");
    }
  }
  phase_ = Phase::signatures;
  return set_;
}

Status Server::signature(Member from, const crypto::Signature& signature) {
  FED_TRY(expect(Phase::signatures, from, survivors_, signers_));
  FED_TRY(crypto::verify(*identity_of_(roster_.entries[from].id), statement(set_, context_),
                         signature));
  signatures_.push_back({from, signature});
  signers_[from] = true;
  return {};
}

Attempt<std::vector<SurvivorSignature>> Server::close_signatures() {
  FED_CHECK(phase_ == Phase::signatures);
  for (const auto* members : {&set_.survivors, &set_.dropped}) {
    if (const auto lonely = short_of(*graph_, *members, signers_, roster_.parameters.threshold)) {
      return abandoned(
          AbandonReason::no_quorum,
          "too few neighbours of " + roster_.entries[*lonely].id + " signed the survivor set");
    }
  }
  phase_ = Phase::reveal;
  return signatures_;
}

bool Server::wanted(Member holder, const RevealedShare& share) const {
  if (revealed_[share.about].size() >= roster_.parameters.threshold) return false;
  const DealtShares* dealt_to_holder = dealt(share.about, holder);
  if (dealt_to_holder == nullptr) return false;
  const bool survived = survivors_[share.about];
  const crypto::Hash commitment =
      share_commitment(survived ? SecretKind::self_mask : SecretKind::mask_key, context_,
                       roster_.entries[share.about].id, roster_.entries[holder].id, share.share);
  return commitment ==
         (survived ? dealt_to_holder->self_commitment : dealt_to_holder->mask_commitment);
}

Result<std::size_t> Server::reveal(Member from, const Revelation& revelation) {
  FED_TRY(expect(Phase::reveal, from, survivors_, revealers_));
  std::vector<Member> about;
  for (const RevealedShare& share : revelation) about.push_back(share.about);
  if (!well_formed(about, graph_->size())) {
    return error(ErrorCode::malformed, "the revealed shares are out of order");
  }
  revealers_[from] = true;
  std::size_t used = 0;
  for (const RevealedShare& share : revelation) {
    if (!wanted(from, share)) continue;
    auto value = crypto::Scalar::from_bytes(share.share);
    if (!value) continue;  // its dealer committed to no number of the field
    revealed_[share.about].push_back(Share{from + 1, std::move(*value)});
    ++used;
  }
  return used;
}

bool Server::complete() const {
  const auto enough = [this](Member member) {
    return revealed_[member].size() >= roster_.parameters.threshold;
  };
  return phase_ == Phase::reveal &&
         std::all_of(set_.survivors.begin(), set_.survivors.end(), enough) &&
         std::all_of(set_.dropped.begin(), set_.dropped.end(), enough);
}

Attempt<Words> Server::finish(Words sum, const Parallel& parallel) const {
  FED_CHECK(phase_ == Phase::reveal && length_of(sum) == terms_.length);
  const Unmasking what{roster_, *graph_, terms_hash_, context_, set_, revealed_};
  FED_TRY(remove_masks(what, sum, parallel));
  const std::uint64_t low = modulus_mask(terms_.modulus_bits);
  std::visit(
      [low](auto& values) {
        for (auto& value : values) {
          value = static_cast<std::remove_reference_t<decltype(value)>>(value & low);
        }
      },
      sum);
  return sum;
}

}  // namespace fed::secagg
