// One message of every type with every field set, for the tests of the codec.
#pragma once

#include <vector>

#include "wire/messages.h"

namespace fed::wire {

inline std::vector<Message> sample_messages() {
  Key key;
  key.fill(7);
  Signature signature;
  signature.fill(9);
  Checksum sum;
  sum.fill(3);
  const ModelRef model{key, std::uint64_t{5} << 32, 1, key};  // 20 GB: no size is 32 bits
  return {Hello{kProtocol, "fedclient 1"},
          Join{key, signature},
          JobAnswer{"job", true, 41, "because"},
          TaskRefused{"job", 3, "no"},
          Fetch{"job", 3, std::uint64_t{1} << 33},
          Progress{"job", 3, Phase::uploading, 5, 9},
          Offer{"job",
                3,
                2,
                41,
                8,
                sum,
                {{"loss", 0.25}, {"accuracy", 0.5}},
                Bytes{1, 2, 3, 4, 5, 6, 7, 8}},
          Welcome{"alice", "fedserver 1", 120},
          Joined{"alice"},
          JobOffer{"job", "{\"name\":\"job\"}"},
          JobEnded{"job", "done"},
          Task{"job", 3, 2, TaskKind::training, 2, model, {1.5, 2.5}, {0.5, 1.0}, 400},
          CancelTask{"job", 3, "late"},
          Admit{"job", 3, 17, 4096},
          Receipt{"job", 3, Outcome::refused, 8, "not finite"},
          Retry{"job", 3, "disk full", 2.5},
          Bye{"revoked", false},
          Availability{false, 3600, 2, 10.5, "mon-fri 20:00-06:00"},
          Standby{"job", "round 3 takes 2 of 5 clients", 120}};
}

}  // namespace fed::wire
