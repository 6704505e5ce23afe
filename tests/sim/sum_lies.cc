#include "sum_lies.h"

namespace fed::sim {
namespace {

template <class M, class Change>
bool change(wire::Message& message, Change how) {
  auto* found = std::get_if<M>(&message);
  if (found != nullptr) how(*found);
  return found != nullptr;
}

bool refuse(wire::Message& message) {
  if (std::holds_alternative<wire::SecureRefused>(message)) return false;
  const wire::SecureName* name = sum_name_of(message);
  if (name == nullptr) return false;
  message = wire::SecureRefused{*name, "weak_parameters", "this client does not feel like it"};
  return true;
}

}  // namespace

const char* name(SumLie lie) {
  constexpr const char* kNames[kSumLies] = {"none",
                                            "keys unsigned",
                                            "another name",
                                            "a share too few",
                                            "garbled shares",
                                            "wrong commitments",
                                            "unsigned set",
                                            "garbled reveal",
                                            "shares of strangers",
                                            "refusal",
                                            "silence"};
  return kNames[static_cast<int>(lie)];
}

const wire::SecureName* sum_name_of(const wire::Message& message) {
  return std::visit(
      [](const auto& m) -> const wire::SecureName* {
        if constexpr (requires { m.name.attempt; }) return &m.name;
        return nullptr;
      },
      message);
}

bool lie_in_sum(SumLie lie, wire::Message& message) {
  switch (lie) {
    case SumLie::none:
      return false;
    case SumLie::keys_unsigned:
      return change<wire::SecureKeys>(message, [](auto& m) { m.keys.signature[5] ^= 1; });
    case SumLie::another_name:
      return change<wire::SecureKeys>(message, [](auto& m) { m.keys.id += "0"; });
    case SumLie::share_too_few:
      return change<wire::SecureShares>(message, [](auto& m) { m.shares.pop_back(); });
    case SumLie::garbled_shares:
      return change<wire::SecureShares>(message, [](auto& m) {
        for (auto& shares : m.shares) shares.sealed[7] ^= 1;
      });
    case SumLie::wrong_commitments:
      return change<wire::SecureShares>(message, [](auto& m) {
        for (auto& shares : m.shares)
          shares.mask_commitment[7] ^= 1, shares.self_commitment[7] ^= 1;
      });
    case SumLie::unsigned_set:
      return change<wire::SecureSignature>(message, [](auto& m) { m.signature[60] ^= 1; });
    case SumLie::garbled_reveal:
      return change<wire::SecureReveal>(message, [](auto& m) {
        for (auto& share : m.shares) share.share[7] ^= 1;
      });
    case SumLie::shares_of_strangers:
      return change<wire::SecureReveal>(message, [](auto& m) {
        if (!m.shares.empty()) m.shares.back().about = 4711;
      });
    case SumLie::refusal:
      return refuse(message);
    case SumLie::silence:
      return sum_name_of(message) != nullptr;  // it is not sent at all
  }
  return false;
}

}  // namespace fed::sim
