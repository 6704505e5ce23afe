// One message of every type with every field set, for the tests of the codec.
#pragma once

#include <algorithm>
#include <vector>

#include "wire/messages.h"

namespace fed::wire {

template <std::size_t N>
std::array<std::uint8_t, N> all(std::uint8_t value) {
  std::array<std::uint8_t, N> bytes;
  bytes.fill(value);
  return bytes;
}

inline secagg::SignedKeys sample_keys(secagg::ClientId id) {
  return {std::move(id), all<32>(1), all<32>(2), all<32>(3), all<64>(4)};
}

inline SecureTerms sample_terms() {
  const secagg::Threat threat{secagg::Adversary::semi_malicious, 50, 300};
  return {{"job", 3, 2},
          {"job", 7, 2, all<32>(5), all<32>(6), threat, 40, 28, std::uint64_t{1} << 33}};
}

// Of secure aggregation; every list has two items.
inline std::vector<Message> secure_samples() {
  const SecureName name{"job", 3, 2};
  const secagg::Roster roster{{4, 3}, {sample_keys("alice"), sample_keys("bob")}};
  return {sample_terms(),
          SecureKeys{name, sample_keys("alice")},
          SecureRoster{name, roster, {all<32>(7), all<32>(8)}},
          SecureShares{name,
                       {{1, all<80>(1), all<32>(2), all<32>(3)},
                        {99'999, all<80>(4), all<32>(5), all<32>(6)}}},
          SecureDelivery{name, {{0, 1, 5}, {{1, all<80>(1)}, {5, all<80>(2)}}}},
          SecureSurvivors{name, {{0, 1, 5}, {2, 3}}},
          SecureSignature{name, all<64>(9)},
          SecureSignatures{name, {{0, all<64>(1)}, {5, all<64>(2)}}},
          SecureReveal{name, {{1, all<32>(1)}, {5, all<32>(2)}}},
          SecureRefused{name, "too_few_sharers", "4 dealt shares, and this client asks for 5"},
          SecureAbandoned{name, "only 2 clients sent keys"}};
}

// Of homomorphic encryption.
inline std::vector<Message> decryption_samples() {
  return {KeyHeld{"job"}, DecryptSum{"job", 7, 40, 80, Bytes(2 * kCiphertextBytes, 3)},
          DecryptedSum{"job", 7, 80, Bytes(2 * kPlaintextBytes, 4)},
          DecryptionRefused{"job", 7, "this client decrypts sums of at least 5 clients"}};
}

inline std::vector<Message> sample_messages() {
  const Key key = all<32>(7);
  const ModelRef model{key, std::uint64_t{5} << 32, 1, key};  // 20 GB: no size is 32 bits
  std::vector<Message> messages = {
      Hello{kProtocol, "fedclient 1"},
      Join{key, all<64>(9)},
      JobAnswer{"job", true, 41, "because"},
      TaskRefused{"job", 3, "no", true},
      Fetch{"job", 3, std::uint64_t{1} << 33},
      Progress{"job", 3, Phase::uploading, 5, 9},
      Offer{"job",
            3,
            2,
            41,
            8,
            all<16>(3),
            {{"loss", 0.25}, {"accuracy", 0.5}},
            Bytes{1, 2, 3, 4, 5, 6, 7, 8},
            2,
            key,
            all<32>(9)},
      Welcome{"alice", "fedserver 1", 120},
      Joined{"alice"},
      JobOffer{"job", "{\"name\":\"job\"}"},
      JobEnded{"job", "done"},
      Task{"job", 3, 2, TaskKind::training, 2, model, {1.5, 2.5}, {0.5, 1.0}, 400, 1.25, {1, 2}},
      CancelTask{"job", 3, "late"},
      Admit{"job", 3, 17, 4096},
      Receipt{"job", 3, Outcome::refused, 8, "not finite"},
      Retry{"job", 3, "disk full", 2.5},
      Bye{"revoked", false},
      Availability{false, 3600, 2, 10.5, "mon-fri 20:00-06:00"},
      Standby{"job", "round 3 takes 2 of 5 clients", 120},
      Await{"job", 3, 2, "its sum begins when 5 clients have offered"}};
  std::ranges::move(secure_samples(), std::back_inserter(messages));
  std::ranges::move(decryption_samples(), std::back_inserter(messages));
  return messages;
}

}  // namespace fed::wire
