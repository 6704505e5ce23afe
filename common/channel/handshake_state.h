// HandshakeState: the messages of a Noise handshake (Noise Protocol Framework, revision 34,
// section 5.3).
//
//   XK / XKpsk3:   <- s   (known before)
//                  ...
//                  -> e, es
//                  <- e, ee
//                  -> s, se [, psk]
//
// Pure: the ephemeral key is an argument, so that published vectors can fix it. With a psk every
// `e` is mixed into the key as well (section 9.2). channel/handshake.h drives it over a byte
// stream.
#pragma once

#include <cstddef>
#include <optional>

#include "channel/symmetric_state.h"
#include "crypto/x25519.h"

namespace fed::channel {

inline constexpr std::size_t kNoiseMessageBytesMax = 65535;  // section 3

enum class Role { initiator, responder };

enum class Token;  // of a message pattern: e, s, ee, ...

// A finished handshake, as seen from one side.
struct Split {
  CipherState send;
  CipherState receive;
  crypto::Hash handshake_hash;  // a name of this session that both sides share (section 11.2)
};

// One handshake. Messages alternate, the initiator's first; calling out of turn is a bug and
// aborts. After an error the object is dead: every further message is ErrorCode::closed.
// `own_static` must outlive it. Not thread-safe.
class HandshakeState {
 public:
  static HandshakeState initiator(Pattern pattern, Suite suite, ByteView prologue,
                                  const crypto::X25519KeyPair& own_static,
                                  crypto::X25519KeyPair ephemeral,
                                  const crypto::PublicKey& remote_static);
  static HandshakeState responder(Pattern pattern, Suite suite, ByteView prologue,
                                  const crypto::X25519KeyPair& own_static,
                                  crypto::X25519KeyPair ephemeral);

  // XKpsk3 only: any time before message 3, so that a responder can choose it by message 1's
  // payload.
  void set_psk(crypto::SecretKey psk) { psk_ = std::move(psk); }

  // The next message, carrying `payload` encrypted. Errors: too_large beyond kNoiseMessageBytesMax,
  // invalid when the psk is missing, unauthentic for a peer's key of small order.
  Result<Bytes> write_message(ByteView payload);

  // Reads the peer's next message and returns its payload. Errors: malformed for a wrong length,
  // unauthentic for anything that the peer, with the keys expected, did not send.
  Result<Bytes> read_message(ByteView message);

  bool finished() const { return next_message_ == 3 && !dead_; }
  // The peer's static key: known to the initiator, learnt by the responder from message 3.
  const std::optional<crypto::PublicKey>& remote_static() const { return remote_static_; }

  // finished() must hold. Consumes the handshake and wipes its keys.
  Split split() &&;

 private:
  HandshakeState(Role role, Pattern pattern, Suite suite, ByteView prologue,
                 const crypto::X25519KeyPair& own_static, crypto::X25519KeyPair ephemeral,
                 std::optional<crypto::PublicKey> remote_static);
  Status write_tokens(Bytes& out);
  Status read_tokens(ByteView& message);
  Status mix_secret(Token token);
  void mix_ephemeral(const crypto::PublicKey& key);
  bool my_turn() const { return (next_message_ % 2 == 0) == (role_ == Role::initiator); }

  Role role_;
  Pattern pattern_;
  SymmetricState symmetric_;
  const crypto::X25519KeyPair* own_static_;
  std::optional<crypto::X25519KeyPair> ephemeral_;
  std::optional<crypto::PublicKey> remote_static_;
  std::optional<crypto::PublicKey> remote_ephemeral_;
  std::optional<crypto::SecretKey> psk_;
  std::size_t next_message_ = 0;
  bool dead_ = false;
};

}  // namespace fed::channel
