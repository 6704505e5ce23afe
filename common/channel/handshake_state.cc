#include "channel/handshake_state.h"

#include <algorithm>
#include <array>
#include <span>

namespace fed::channel {

enum class Token { e, s, ee, es, se, psk };

namespace {

constexpr std::array kFirst = {Token::e, Token::es};
constexpr std::array kSecond = {Token::e, Token::ee};
constexpr std::array kThird = {Token::s, Token::se};
constexpr std::array kThirdWithPsk = {Token::s, Token::se, Token::psk};

std::span<const Token> tokens_of(Pattern pattern, std::size_t message) {
  if (message == 0) return kFirst;
  if (message == 1) return kSecond;
  if (pattern == Pattern::xkpsk3) return kThirdWithPsk;
  return kThird;
}

constexpr std::size_t kDhBytes = 32;

// What a message is, besides its payload.
std::size_t overhead_of(std::span<const Token> tokens) {
  std::size_t bytes = kTagBytes;  // the payload's
  for (Token token : tokens) {
    if (token == Token::e) bytes += kDhBytes;
    if (token == Token::s) bytes += kDhBytes + kTagBytes;
  }
  return bytes;
}

crypto::PublicKey take_key(ByteView& message) {
  crypto::PublicKey key;
  std::copy_n(message.begin(), key.size(), key.begin());
  message = message.subspan(key.size());
  return key;
}

const Error kDead{ErrorCode::closed, "the handshake has failed already"};

}  // namespace

HandshakeState HandshakeState::initiator(Pattern pattern, Suite suite, ByteView prologue,
                                         const crypto::X25519KeyPair& own_static,
                                         crypto::X25519KeyPair ephemeral,
                                         const crypto::PublicKey& remote_static) {
  return HandshakeState(Role::initiator, pattern, suite, prologue, own_static, std::move(ephemeral),
                        remote_static);
}

HandshakeState HandshakeState::responder(Pattern pattern, Suite suite, ByteView prologue,
                                         const crypto::X25519KeyPair& own_static,
                                         crypto::X25519KeyPair ephemeral) {
  return HandshakeState(Role::responder, pattern, suite, prologue, own_static, std::move(ephemeral),
                        std::nullopt);
}

HandshakeState::HandshakeState(Role role, Pattern pattern, Suite suite, ByteView prologue,
                               const crypto::X25519KeyPair& own_static,
                               crypto::X25519KeyPair ephemeral,
                               std::optional<crypto::PublicKey> remote_static)
    : role_(role),
      pattern_(pattern),
      symmetric_(suite, protocol_name(pattern, suite)),
      own_static_(&own_static),
      ephemeral_(std::move(ephemeral)),
      remote_static_(remote_static) {
  symmetric_.mix_hash(prologue);
  // The pre-message `<- s`.
  symmetric_.mix_hash(role == Role::initiator ? *remote_static_ : own_static_->public_key());
}

Result<Bytes> HandshakeState::write_message(ByteView payload) {
  if (dead_) return kDead;
  FED_CHECK(my_turn() && next_message_ < 3);
  const std::size_t overhead = overhead_of(tokens_of(pattern_, next_message_));
  if (payload.size() > kNoiseMessageBytesMax - overhead) {
    return Error{ErrorCode::too_large, "the payload does not fit a handshake message"};
  }
  Bytes out;
  out.reserve(overhead + payload.size());
  dead_ = true;  // until all of it has succeeded
  FED_TRY(write_tokens(out));
  symmetric_.encrypt_and_hash(payload, out);
  dead_ = false;
  ++next_message_;
  return out;
}

Result<Bytes> HandshakeState::read_message(ByteView message) {
  if (dead_) return kDead;
  FED_CHECK(!my_turn() && next_message_ < 3);
  dead_ = true;  // until all of it has succeeded
  const std::size_t overhead = overhead_of(tokens_of(pattern_, next_message_));
  if (message.size() < overhead || message.size() > kNoiseMessageBytesMax) {
    return Error{ErrorCode::malformed, "a handshake message of a wrong length"};
  }
  FED_TRY(read_tokens(message));
  FED_ASSIGN(payload, symmetric_.decrypt_and_hash(message));
  dead_ = false;
  ++next_message_;
  return payload;
}

Status HandshakeState::write_tokens(Bytes& out) {
  for (Token token : tokens_of(pattern_, next_message_)) {
    switch (token) {
      case Token::e:
        append(out, ephemeral_->public_key());
        mix_ephemeral(ephemeral_->public_key());
        break;
      case Token::s:
        symmetric_.encrypt_and_hash(own_static_->public_key(), out);
        break;
      default:
        FED_TRY(mix_secret(token));
    }
  }
  return {};
}

Status HandshakeState::read_tokens(ByteView& message) {
  for (Token token : tokens_of(pattern_, next_message_)) {
    switch (token) {
      case Token::e:
        remote_ephemeral_ = take_key(message);
        mix_ephemeral(*remote_ephemeral_);
        break;
      case Token::s: {
        FED_ASSIGN(key, symmetric_.decrypt_and_hash(message.first(kDhBytes + kTagBytes)));
        message = message.subspan(kDhBytes + kTagBytes);
        ByteView rest = key;
        remote_static_ = take_key(rest);
        break;
      }
      default:
        FED_TRY(mix_secret(token));
    }
  }
  return {};
}

void HandshakeState::mix_ephemeral(const crypto::PublicKey& key) {
  symmetric_.mix_hash(key);
  if (pattern_ == Pattern::xkpsk3) symmetric_.mix_key(key);
}

Status HandshakeState::mix_secret(Token token) {
  if (token == Token::psk) {
    if (!psk_) return Error{ErrorCode::invalid, "the handshake needs a pre-shared key"};
    symmetric_.mix_key_and_hash(psk_->view());
    return {};
  }
  // The first letter is the initiator's key, the second the responder's.
  const bool initiator = role_ == Role::initiator;
  const bool own_is_static = token == (initiator ? Token::se : Token::es);
  const bool remote_is_static = token == (initiator ? Token::es : Token::se);
  const crypto::X25519KeyPair& own = own_is_static ? *own_static_ : *ephemeral_;
  FED_ASSIGN(shared, own.dh(remote_is_static ? *remote_static_ : *remote_ephemeral_));
  symmetric_.mix_key(shared.view());
  return {};
}

Split HandshakeState::split() && {
  FED_CHECK(finished());
  dead_ = true;
  ephemeral_.reset();
  psk_.reset();
  const crypto::Hash hash = symmetric_.handshake_hash();
  CipherPair pair = std::move(symmetric_).split();
  if (role_ == Role::initiator) {
    return {std::move(pair.initiator_to_responder), std::move(pair.responder_to_initiator), hash};
  }
  return {std::move(pair.responder_to_initiator), std::move(pair.initiator_to_responder), hash};
}

}  // namespace fed::channel
