#include "channel/symmetric_state.h"

#include <algorithm>

#include "crypto/hkdf.h"

namespace fed::channel {
namespace {

using Key = crypto::Wiped<crypto::kKeyBytes>;

crypto::Hash padded_or_hashed(std::string_view protocol_name) {
  crypto::Hash h{};
  if (protocol_name.size() > h.size()) return crypto::sha256(view(protocol_name));
  std::copy(protocol_name.begin(), protocol_name.end(), h.begin());
  return h;
}

}  // namespace

SymmetricState::SymmetricState(Suite suite, std::string_view protocol_name)
    : cipher_(suite, Key().view()), h_(padded_or_hashed(protocol_name)) {
  ck_.assign(h_);
}

void SymmetricState::mix_key(ByteView input_key_material) {
  Key key;
  crypto::hkdf(ck_.view(), input_key_material, {&ck_, &key});
  cipher_.initialize_key(key.view());
  has_key_ = true;
}

void SymmetricState::mix_hash(ByteView data) {
  crypto::Sha256 hasher;
  hasher.update(h_);
  hasher.update(data);
  h_ = hasher.finish();
}

void SymmetricState::mix_key_and_hash(ByteView input_key_material) {
  Key hashed;
  Key key;
  crypto::hkdf(ck_.view(), input_key_material, {&ck_, &hashed, &key});
  mix_hash(hashed.view());
  cipher_.initialize_key(key.view());
  has_key_ = true;
}

void SymmetricState::encrypt_and_hash(ByteView plaintext, Bytes& out) {
  FED_CHECK(has_key_);
  const std::size_t begin = out.size();
  append(out, plaintext);
  out.resize(out.size() + kTagBytes);
  const ByteSpan sealed = ByteSpan(out).subspan(begin);
  cipher_.encrypt_with_ad(h_, sealed);
  mix_hash(sealed);
}

Result<Bytes> SymmetricState::decrypt_and_hash(ByteView ciphertext) {
  FED_CHECK(has_key_);
  Bytes opened = copy(ciphertext);
  FED_ASSIGN(plain, cipher_.decrypt_with_ad(h_, opened));
  mix_hash(ciphertext);
  opened.resize(plain.size());
  return opened;
}

CipherPair SymmetricState::split() && {
  Key first;
  Key second;
  crypto::hkdf(ck_.view(), {}, {&first, &second});
  return {CipherState(cipher_.suite(), first.view()), CipherState(cipher_.suite(), second.view())};
}

}  // namespace fed::channel
