// The handshake over a byte stream, as two state machines: bytes in, bytes out, no socket, no
// clock.
//
//   client -> server   preamble (8 bytes, channel/prologue.h)
//   client -> server   message 1: e, es; its payload is the join id when joining, else empty
//   server -> client   message 2: e, ee; no payload
//   client -> server   message 3: s, se (, psk); a payload of the client's choice
//
// Each message travels as u16 big-endian length | bytes. Only legal lengths are accepted, the
// longest being kHandshakeMessageBytesMax, so a stranger makes the server hold a few hundred bytes
// and no more. The server stays silent until message 1 has shown that its sender knows the server's
// public key. A client that is refused sees the connection close and nothing else.
//
// `XK` is for clients that the server knows; `XKpsk3` for joining: message 1 names an invitation by
// its join id, and the one-time secret of that invitation is mixed in before message 3 counts.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "channel/handshake_state.h"
#include "channel/prologue.h"
#include "channel/records.h"

namespace fed::channel {

inline constexpr std::size_t kHandshakeMessageBytesMax = 512;
// Message 3 is the encrypted static key (48 bytes), the payload, and a tag.
inline constexpr std::size_t kHandshakePayloadBytesMax = kHandshakeMessageBytesMax - 48 - kTagBytes;

using JoinId = std::array<std::uint8_t, 8>;

// What a finished handshake leaves.
struct Established {
  Transport transport;
  crypto::PublicKey peer;         // the other side's static key, proven
  Bytes payload;                  // server: of message 3; client: empty
  std::optional<JoinId> join_id;  // of the invitation, if the client joined by one
  Suite suite;
  crypto::Hash handshake_hash;  // the same on both sides, different for every session
};

// The common part: collects exactly the bytes of the next piece. Internal to this file.
class HandshakeInbox {
 public:
  explicit HandshakeInbox(std::size_t first) : wanted_(first) {}
  std::size_t fill(ByteView bytes);  // how many it took
  bool full() const { return have_ == wanted_; }
  std::size_t missing() const { return wanted_ - have_; }
  ByteView content() const { return ByteView(bytes_).first(have_); }
  void expect(std::size_t bytes);  // empties it

 private:
  std::array<std::uint8_t, kHandshakeMessageBytesMax> bytes_;
  std::size_t have_ = 0;
  std::size_t wanted_;
};

struct JoinSecret {
  JoinId id;
  crypto::SecretKey psk;
};

// The client's side. `own` must outlive it. Not thread-safe.
class ClientHandshake {
 public:
  // A handshake whose first bytes already wait in take_output(). With `join` the pattern is XKpsk3,
  // else XK. `suite` must be available here (choose_suite), `payload` at most
  // kHandshakePayloadBytesMax, `ephemeral` fresh (Memory::plain). ErrorCode::unauthentic for a
  // `server` that cannot be a key.
  static Result<ClientHandshake> start(Suite suite, const crypto::X25519KeyPair& own,
                                       const crypto::PublicKey& server,
                                       crypto::X25519KeyPair ephemeral,
                                       std::optional<JoinSecret> join = std::nullopt,
                                       Bytes payload = {});

  // Takes bytes from the server and says how many it used: all of them unless the handshake is
  // finished, the rest being the first records. An error is final: the object is dead and every
  // further call is ErrorCode::closed.
  Result<std::size_t> feed(ByteView bytes);
  // What is to be sent now; empty if nothing is.
  Bytes take_output() { return std::exchange(output_, {}); }
  // How many bytes the next step lacks (0 when finished or dead): read no more than this and none
  // are left over.
  std::size_t wanted() const;
  // Message 3 may still be waiting in take_output().
  bool finished() const;

  // finished() must hold, and take_output() have given message 3.
  Established finish() &&;

 private:
  ClientHandshake(const Preamble& preamble, HandshakeState state);
  Status step();

  Preamble preamble_;
  std::optional<HandshakeState> state_;  // empty: dead
  std::optional<JoinId> join_id_;
  Bytes payload_;
  Bytes output_;
  HandshakeInbox inbox_;
  bool reading_length_ = true;
};

// What the server knows. Called on the thread that feeds, at most once each per handshake.
struct ServerDirectory {
  // XK: may the holder of this static key connect? An error refuses, and is what feed returns.
  std::function<Status(const crypto::PublicKey& client)> allow;
  // XKpsk3: the secret of this invitation. An error (unknown, used, expired) refuses in the same
  // way.
  std::function<Result<crypto::SecretKey>(const JoinId& id)> psk_of;
};

// The server's side. `own` and `directory` must outlive it. Not thread-safe.
class ServerHandshake {
 public:
  // `ephemeral` is fresh (Memory::plain). `accepted` are the suites that the server is willing to
  // use.
  ServerHandshake(const crypto::X25519KeyPair& own, const ServerDirectory& directory,
                  crypto::X25519KeyPair ephemeral, SuiteSet accepted = suites_supported());

  // As for ClientHandshake.
  Result<std::size_t> feed(ByteView bytes);
  Bytes take_output() { return std::exchange(output_, {}); }
  std::size_t wanted() const;
  bool finished() const;
  Established finish() &&;

 private:
  enum class Piece { preamble, length, message };
  Status step();
  Status read_preamble();
  Status read_length();
  void expect_length();
  Status read_first();
  Status read_third();

  const crypto::X25519KeyPair* own_;
  const ServerDirectory* directory_;
  std::optional<crypto::X25519KeyPair> ephemeral_;
  SuiteSet accepted_;
  Preamble preamble_;
  std::optional<HandshakeState> state_;  // empty before the preamble and when dead
  std::optional<JoinId> join_id_;
  Bytes payload_;
  Bytes output_;
  HandshakeInbox inbox_;
  Piece piece_ = Piece::preamble;
  bool first_read_ = false;
  bool dead_ = false;
};

}  // namespace fed::channel
