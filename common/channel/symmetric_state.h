// SymmetricState: the running hash and key of a handshake (Noise Protocol Framework, revision 34,
// section 5.2).
#pragma once

#include <string_view>

#include "channel/cipher_state.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

namespace fed::channel {

// What Split() gives: one cipher for each direction.
struct CipherPair {
  CipherState initiator_to_responder;
  CipherState responder_to_initiator;
};

// The chaining key `ck`, the handshake hash `h` and the current cipher. Before the first mix_key
// nothing may be encrypted (no pattern of ours does). Not thread-safe.
class SymmetricState {
 public:
  // InitializeSymmetric: h is the name itself, padded with zeros, or its hash if longer than 32
  // bytes.
  SymmetricState(Suite suite, std::string_view protocol_name);

  void mix_key(ByteView input_key_material);
  void mix_hash(ByteView data);
  void mix_key_and_hash(ByteView input_key_material);  // for a psk

  // EncryptAndHash: appends the sealed `plaintext` to `out`.
  void encrypt_and_hash(ByteView plaintext, Bytes& out);
  // DecryptAndHash. ErrorCode::unauthentic if `ciphertext` is not what the peer sealed at this
  // point of the handshake.
  Result<Bytes> decrypt_and_hash(ByteView ciphertext);

  const crypto::Hash& handshake_hash() const { return h_; }
  CipherPair split() &&;

 private:
  CipherState cipher_;
  crypto::Wiped<32> ck_;
  crypto::Hash h_;
  bool has_key_ = false;
};

}  // namespace fed::channel
