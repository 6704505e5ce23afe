#include "wire/encoding.h"

namespace fed::wire {

Encoded body_of(Builder& to, const KeyHeld& m) {
  return encoded(fb::Body::KeyHeld, fb::CreateKeyHeld(to, put(to, m.job)));
}
Encoded body_of(Builder& to, const DecryptSum& m) {
  const auto job = put(to, m.job);
  const auto ciphertexts = put_bytes(to, m.ciphertexts);
  return encoded(fb::Body::DecryptSum,
                 fb::CreateDecryptSum(to, job, m.round, m.clients, m.first, ciphertexts));
}
Encoded body_of(Builder& to, const DecryptedSum& m) {
  const auto job = put(to, m.job);
  const auto plaintexts = put_bytes(to, m.plaintexts);
  return encoded(fb::Body::DecryptedSum,
                 fb::CreateDecryptedSum(to, job, m.round, m.first, plaintexts));
}
Encoded body_of(Builder& to, const DecryptionRefused& m) {
  const auto job = put(to, m.job);
  const auto detail = put(to, m.detail);
  return encoded(fb::Body::DecryptionRefused,
                 fb::CreateDecryptionRefused(to, job, m.round, detail));
}

}  // namespace fed::wire
