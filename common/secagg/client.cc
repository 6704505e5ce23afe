#include "secagg/client.h"

#include <algorithm>

#include "secagg/masks.h"
#include "secagg/packing.h"
#include "secagg/shamir.h"

namespace fed::secagg {
namespace {

using crypto::KeyView;
using crypto::Scalar;

Refusal unsafe_key(const ClientId& peer) {
  return {RefusalReason::unsafe_key, "a public key of " + peer + " is of small order"};
}

crypto::X25519KeyPair random_key_pair(const crypto::RandomSource& random) {
  crypto::Wiped<32> secret;
  random(secret.span());
  return crypto::X25519KeyPair(crypto::SecretKey(secret.view(), crypto::Memory::plain));
}

}  // namespace

Client::Client(ClientSetup setup) : setup_(std::move(setup)) {}

void Client::forget() {
  secrets_.reset();
  held_.clear();
}

Refusal Client::out_of_turn(Phase asked) const {
  if (asked == Phase::sign && phase_ == Phase::unmask) {
    return {RefusalReason::second_survivor_set,
            "this client has signed a survivor set and signs no other one"};
  }
  if (asked == Phase::unmask && phase_ == Phase::done) {
    return {RefusalReason::repeated_unmasking, "this client has revealed its shares already"};
  }
  return {RefusalReason::out_of_turn, phase_ == Phase::refused
                                          ? "this client has refused this attempt"
                                          : "this message belongs to another phase"};
}

template <class T, class Step>
Answer<T> Client::turn(Phase phase, Phase next, Step step) {
  if (phase_ != phase) {
    Refusal refusal = out_of_turn(phase);
    if (phase_ != Phase::done) phase_ = Phase::refused;
    forget();
    return refusal;
  }
  Answer<T> answer = step();
  phase_ = answer ? next : Phase::refused;
  if (!answer) forget();
  return answer;
}

Answer<SignedKeys> Client::advertise(const Terms& terms) {
  return turn<SignedKeys>(Phase::advertise, Phase::share, [&] { return make_keys(terms); });
}

Answer<ShareMessage> Client::share(const Roster& roster) {
  return turn<ShareMessage>(Phase::share, Phase::mask, [&] { return deal(roster); });
}

Answer<Bytes> Client::mask(const ShareDelivery& delivery, Words input) {
  return turn<Bytes>(Phase::mask, Phase::sign, [&] { return hide(delivery, std::move(input)); });
}

Answer<crypto::Signature> Client::sign(const SurvivorSet& set) {
  return turn<crypto::Signature>(Phase::sign, Phase::unmask, [&]() -> Answer<crypto::Signature> {
    FED_TRY(check_survivors(set, sharers_, self_, *graph_, roster_.parameters.threshold,
                            setup_.demands));
    set_ = set;
    return setup_.identity.sign(statement(set_, context_));
  });
}

Answer<Revelation> Client::unmask(const std::vector<SurvivorSignature>& signatures) {
  auto answer = turn<Revelation>(Phase::unmask, Phase::done, [&] { return reveal(signatures); });
  forget();
  return answer;
}

Answer<SignedKeys> Client::make_keys(const Terms& terms) {
  FED_TRY(check_terms(terms, setup_.demands));
  const crypto::Hash hash = hash_of(terms);
  if (setup_.answered_before(hash)) {
    return Refusal{RefusalReason::replayed_round, "this client has answered these terms before"};
  }
  terms_ = terms;
  terms_hash_ = hash;
  Scalar mask_scalar = Scalar::random(setup_.random);
  Scalar self_scalar = Scalar::random(setup_.random);
  crypto::X25519KeyPair mask_key = mask_key_pair(mask_scalar, hash, setup_.id);
  secrets_.emplace(Secrets{std::move(mask_scalar),
                           std::move(self_scalar),
                           std::move(mask_key),
                           random_key_pair(setup_.random),
                           {}});
  own_.id = setup_.id;
  own_.mask_key = secrets_->mask_key.public_key();
  own_.share_key = secrets_->share_key.public_key();
  own_.self_commitment = self_commitment(secrets_->self_scalar, hash, setup_.id);
  own_.signature = setup_.identity.sign(statement(own_, hash));
  return own_;
}

Answer<ShareMessage> Client::deal(const Roster& roster) {
  FED_TRY(check_roster(roster, own_, terms_hash_, setup_.demands, setup_.identity_of));
  roster_ = roster;
  for (Member member = 0; member < roster_.entries.size(); ++member) {
    if (id_of(member) == setup_.id) self_ = member;
    identities_.push_back(*setup_.identity_of(id_of(member)));
  }
  const crypto::Hash keys = keys_hash(terms_hash_, roster_.entries);
  context_ = context_hash(keys, roster_.parameters);
  graph_.emplace(graph_of(keys, roster_.entries.size(), roster_.parameters));

  const std::vector<Member> holders = graph_->neighbours(self_);
  std::vector<Point> points;
  for (Member holder : holders) points.push_back(holder + 1);
  const std::uint32_t threshold = roster_.parameters.threshold;
  const auto of_mask = split(secrets_->mask_scalar, threshold, points, setup_.random);
  const auto of_self = split(secrets_->self_scalar, threshold, points, setup_.random);

  ShareMessage message;
  for (std::size_t i = 0; i < holders.size(); ++i) {
    const SignedKeys& holder = roster_.entries[holders[i]];
    const KeyView mask_share = of_mask[i].y.view(), self_share = of_self[i].y.view();
    auto shared = secrets_->share_key.dh(holder.share_key);
    if (!shared) return unsafe_key(holder.id);
    message.push_back(
        {holders[i],
         seal_shares(shared->view(), context_, setup_.id, holder.id, mask_share, self_share),
         share_commitment(SecretKind::mask_key, context_, setup_.id, holder.id, mask_share),
         share_commitment(SecretKind::self_mask, context_, setup_.id, holder.id, self_share)});
    secrets_->shared.emplace(holders[i], std::move(*shared));
  }
  secrets_->mask_scalar = Scalar();  // its holders have it now
  return message;
}

Answer<Bytes> Client::hide(const ShareDelivery& delivery, Words input) {
  FED_CHECK(input.index() == zero_words(terms_.modulus_bits, 0).index() &&
            length_of(input) == terms_.length);
  FED_TRY(check_delivery(delivery, self_, *graph_, roster_.parameters.threshold, setup_.demands));
  sharers_ = delivery.sharers;
  for (const ReceivedShares& from : delivery.shares) {
    const SignedKeys& dealer = roster_.entries[from.dealer];
    auto opened = open_shares(secrets_->shared.at(from.dealer).view(), context_, dealer.id,
                              setup_.id, from.sealed);
    // What does not open is a share that this client does not have; the others' suffice.
    if (opened) held_.push_back({from.dealer, std::move(*opened)});
  }
  std::vector<Mask> masks;
  masks.push_back({self_mask_key(secrets_->self_scalar, context_, setup_.id), false});
  const std::vector<bool> sharing = marks(sharers_, graph_->size());
  for (Member peer : graph_->neighbours(self_)) {
    if (!sharing[peer]) continue;
    auto key = pair_mask_key(secrets_->mask_key, setup_.id, roster_.entries[peer].mask_key,
                             id_of(peer), context_);
    if (!key) return unsafe_key(id_of(peer));
    masks.push_back({std::move(*key), peer < self_});
  }
  add_masks(masks, input);
  secrets_.reset();  // all that is needed from now on are the neighbours' shares
  return pack(input, terms_.modulus_bits);
}

Answer<Revelation> Client::reveal(const std::vector<SurvivorSignature>& signatures) {
  FED_TRY(check_quorum(signatures, statement(set_, context_), sharers_, self_, *graph_,
                       roster_.parameters.threshold, identities_));
  const std::vector<bool> survived = marks(set_.survivors, graph_->size());
  Revelation revelation;
  for (const Held& held : held_) {
    const auto shares = held.shares.view();
    const auto share = survived[held.dealer] ? shares.last<32>() : shares.first<32>();
    RevealedShare revealed{held.dealer, {}};
    std::copy(share.begin(), share.end(), revealed.share.begin());
    revelation.push_back(revealed);
  }
  return revelation;
}

}  // namespace fed::secagg
