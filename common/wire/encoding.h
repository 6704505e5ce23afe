// What the writers of messages share, and those of secure aggregation and of homomorphic
// encryption, which encode finds beside its own by argument-dependent lookup. Only for the `.cc`
// files of this folder. Thread-safe, one Builder per message.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <string>

#include "wire/messages.h"
#include "wire_generated.h"

namespace fed::wire {

using Builder = flatbuffers::FlatBufferBuilder;

struct Encoded {
  fb::Body type;
  flatbuffers::Offset<void> body;
};

template <class T>
Encoded encoded(fb::Body type, flatbuffers::Offset<T> body) {
  return {type, body.Union()};
}

// Text beyond kTextMax is cut.
inline auto put(Builder& to, const std::string& text) {
  return to.CreateString(text.data(), std::min(text.size(), kTextMax));
}
template <class Array>
auto put_bytes(Builder& to, const Array& bytes) {
  return to.CreateVector(bytes.data(), bytes.size());
}

Encoded body_of(Builder& to, const SecureTerms& m);
Encoded body_of(Builder& to, const SecureKeys& m);
Encoded body_of(Builder& to, const SecureRoster& m);
Encoded body_of(Builder& to, const SecureShares& m);
Encoded body_of(Builder& to, const SecureDelivery& m);
Encoded body_of(Builder& to, const SecureSurvivors& m);
Encoded body_of(Builder& to, const SecureSignature& m);
Encoded body_of(Builder& to, const SecureSignatures& m);
Encoded body_of(Builder& to, const SecureReveal& m);
Encoded body_of(Builder& to, const SecureRefused& m);
Encoded body_of(Builder& to, const SecureAbandoned& m);

Encoded body_of(Builder& to, const KeyHeld& m);
Encoded body_of(Builder& to, const DecryptSum& m);
Encoded body_of(Builder& to, const DecryptedSum& m);
Encoded body_of(Builder& to, const DecryptionRefused& m);

}  // namespace fed::wire
