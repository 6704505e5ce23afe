#include "channel/handshake.h"

#include <algorithm>

namespace fed::channel {
namespace {

constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kEphemeralBytes = 32;
constexpr std::size_t kStaticBytes = 32 + kTagBytes;
// Message 1 without and with a join id; message 2, which has no payload.
constexpr std::size_t kFirstBytes = kEphemeralBytes + kTagBytes;
constexpr std::size_t kFirstJoiningBytes = kFirstBytes + sizeof(JoinId);
constexpr std::size_t kSecondBytes = kEphemeralBytes + kTagBytes;
constexpr std::size_t kThirdBytesMin = kStaticBytes + kTagBytes;

const Error kDead{ErrorCode::closed, "the handshake has failed already"};
const Error kWrongLength{ErrorCode::malformed, "a handshake message of a wrong length"};

void append_message(Bytes& out, ByteView message) {
  std::array<std::uint8_t, kLengthBytes> length;
  store_be16(length.data(), static_cast<std::uint16_t>(message.size()));
  append(out, length);
  append(out, message);
}

Established established(Split split, const crypto::PublicKey& peer, Suite suite) {
  return {Transport{Sealer(std::move(split.send)), Opener(std::move(split.receive))},
          peer,
          {},
          std::nullopt,
          suite,
          split.handshake_hash};
}

}  // namespace

std::size_t HandshakeInbox::fill(ByteView bytes) {
  const std::size_t count = std::min(bytes.size(), missing());
  std::copy_n(bytes.begin(), count, bytes_.begin() + static_cast<std::ptrdiff_t>(have_));
  have_ += count;
  return count;
}

void HandshakeInbox::expect(std::size_t bytes) {
  FED_CHECK(bytes <= bytes_.size());
  have_ = 0;
  wanted_ = bytes;
}

Result<ClientHandshake> ClientHandshake::start(Suite suite, const crypto::X25519KeyPair& own,
                                               const crypto::PublicKey& server,
                                               crypto::X25519KeyPair ephemeral,
                                               std::optional<JoinSecret> join, Bytes payload) {
  FED_CHECK(payload.size() <= kHandshakePayloadBytesMax);
  const Preamble preamble{suite, join ? Pattern::xkpsk3 : Pattern::xk};
  ClientHandshake made(
      preamble, HandshakeState::initiator(preamble.pattern, suite, prologue_of(preamble), own,
                                          std::move(ephemeral), server));
  made.payload_ = std::move(payload);
  ByteView first_payload;
  if (join) {
    made.join_id_ = join->id;
    made.state_->set_psk(std::move(join->psk));
    first_payload = *made.join_id_;
  }
  FED_ASSIGN(first, made.state_->write_message(first_payload));
  append(made.output_, encode(preamble));
  append_message(made.output_, first);
  return made;
}

ClientHandshake::ClientHandshake(const Preamble& preamble, HandshakeState state)
    : preamble_(preamble), state_(std::move(state)), inbox_(kLengthBytes) {}

Result<std::size_t> ClientHandshake::feed(ByteView bytes) {
  if (!state_) return kDead;
  std::size_t used = 0;
  while (!finished() && used < bytes.size()) {
    used += inbox_.fill(bytes.subspan(used));
    if (!inbox_.full()) break;
    if (Status done = step(); !done) {
      state_.reset();
      output_.clear();
      return std::move(done).error();
    }
  }
  return used;
}

Status ClientHandshake::step() {
  if (reading_length_) {
    if (load_be16(inbox_.content().data()) != kSecondBytes) return kWrongLength;
    reading_length_ = false;
    inbox_.expect(kSecondBytes);
    return {};
  }
  if (Result<Bytes> second = state_->read_message(inbox_.content()); !second) {
    return within(
        "the server's answer is not authentic, so this is not the server whose key is "
        "configured, or somebody interferes",
        std::move(second).error());
  }
  FED_ASSIGN(third, state_->write_message(payload_));
  append_message(output_, third);
  return {};
}

std::size_t ClientHandshake::wanted() const { return state_ && !finished() ? inbox_.missing() : 0; }

bool ClientHandshake::finished() const { return state_ && state_->finished(); }

Established ClientHandshake::finish() && {
  FED_CHECK(finished() && output_.empty());
  const crypto::PublicKey server = *state_->remote_static();
  Established out = established(std::move(*state_).split(), server, preamble_.suite);
  out.join_id = join_id_;
  state_.reset();
  return out;
}

ServerHandshake::ServerHandshake(const crypto::X25519KeyPair& own, const ServerDirectory& directory,
                                 crypto::X25519KeyPair ephemeral, SuiteSet accepted)
    : own_(&own),
      directory_(&directory),
      ephemeral_(std::move(ephemeral)),
      accepted_(accepted),
      inbox_(kPreambleBytes) {}

Result<std::size_t> ServerHandshake::feed(ByteView bytes) {
  if (dead_) return kDead;
  std::size_t used = 0;
  while (!finished() && used < bytes.size()) {
    used += inbox_.fill(bytes.subspan(used));
    if (!inbox_.full()) break;
    if (Status done = step(); !done) {
      dead_ = true;
      ephemeral_.reset();
      state_.reset();
      output_.clear();
      return std::move(done).error();
    }
  }
  return used;
}

Status ServerHandshake::step() {
  switch (piece_) {
    case Piece::preamble:
      return read_preamble();
    case Piece::length:
      return read_length();
    case Piece::message:
      return first_read_ ? read_third() : read_first();
  }
  FED_CHECK(false);
}

Status ServerHandshake::read_preamble() {
  FED_ASSIGN(preamble, parse_preamble(inbox_.content()));
  if ((accepted_ & suites_supported() & set_of(preamble.suite)) == 0) {
    return Error{ErrorCode::unsupported, std::string("the client asks for ") +
                                             name(preamble.suite) +
                                             ", which is not available here"};
  }
  preamble_ = preamble;
  state_ = HandshakeState::responder(preamble.pattern, preamble.suite, prologue_of(preamble), *own_,
                                     std::move(*ephemeral_));
  ephemeral_.reset();
  expect_length();
  return {};
}

void ServerHandshake::expect_length() {
  piece_ = Piece::length;
  inbox_.expect(kLengthBytes);
}

Status ServerHandshake::read_length() {
  const std::size_t length = load_be16(inbox_.content().data());
  const bool joining = preamble_.pattern == Pattern::xkpsk3;
  const std::size_t first = joining ? kFirstJoiningBytes : kFirstBytes;
  const std::size_t low = first_read_ ? kThirdBytesMin : first;
  const std::size_t high = first_read_ ? kHandshakeMessageBytesMax : first;
  if (length < low || length > high) return kWrongLength;
  piece_ = Piece::message;
  inbox_.expect(length);
  return {};
}

Status ServerHandshake::read_first() {
  FED_ASSIGN(payload, state_->read_message(inbox_.content()));
  if (preamble_.pattern == Pattern::xkpsk3) {
    JoinId& id = join_id_.emplace();
    std::copy_n(payload.begin(), id.size(), id.begin());  // read_length() saw to the size
    FED_ASSIGN(psk, directory_->psk_of(id));
    state_->set_psk(std::move(psk));
  }
  FED_ASSIGN(second, state_->write_message({}));
  append_message(output_, second);
  first_read_ = true;
  expect_length();
  return {};
}

Status ServerHandshake::read_third() {
  FED_ASSIGN(payload, state_->read_message(inbox_.content()));
  // Only now is the client's key proven. Whoever joins is not known yet: the invitation's secret
  // speaks for them.
  if (preamble_.pattern == Pattern::xk) FED_TRY(directory_->allow(*state_->remote_static()));
  payload_ = std::move(payload);
  return {};
}

std::size_t ServerHandshake::wanted() const { return dead_ || finished() ? 0 : inbox_.missing(); }

bool ServerHandshake::finished() const { return state_ && state_->finished(); }

Established ServerHandshake::finish() && {
  FED_CHECK(finished() && output_.empty());
  const crypto::PublicKey client = *state_->remote_static();
  Established out = established(std::move(*state_).split(), client, preamble_.suite);
  out.payload = std::move(payload_);
  out.join_id = join_id_;
  state_.reset();
  dead_ = true;
  return out;
}

}  // namespace fed::channel
