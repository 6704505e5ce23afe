// Records: what travels after the handshake.
//
//   on the wire   u16 big-endian length | ciphertext of `length` bytes
//   plaintext     kind (1 byte) | body
//   ciphertext    the plaintext, encrypted, and a tag of 16 bytes
//
// This is the framing of the Noise Protocol Framework, revision 34, section 13.
//
// Each direction counts its records from 0; the count is the nonce, so a record that is lost,
// repeated or moved does not open. After every kRecordsPerRekey records both ends replace the
// direction's key (section 11.3), without a message. A session ends with a record of kind `end`: a
// stream that stops without one was cut (section 14, "Session termination").
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "channel/cipher_state.h"

namespace fed::channel {

enum class Kind : std::uint8_t {
  control = 1,  // a message of the wire layer
  chunk = 2,    // a piece of an update, on its way up
  stretch = 3,  // announces sealed bytes that follow outside of the records
  ping = 4,
  pong = 5,
  end = 6,  // nothing follows
};

inline constexpr std::size_t kRecordLengthBytes = 2;
inline constexpr std::size_t kRecordCiphertextBytesMax = 65535;
inline constexpr std::size_t kRecordCiphertextBytesMin = 1 + kTagBytes;
inline constexpr std::size_t kRecordBodyBytesMax = kRecordCiphertextBytesMax - kTagBytes - 1;
inline constexpr std::size_t kRecordOverheadBytes = kRecordLengthBytes + 1 + kTagBytes;
inline constexpr std::size_t kRecordBodyAt = kRecordLengthBytes + 1;  // in a whole record
inline constexpr std::uint64_t kRecordsPerRekey = std::uint64_t{1} << 16;

// The sending half. Not thread-safe; may move to another owner than the Opener.
class Sealer {
 public:
  explicit Sealer(CipherState cipher) : cipher_(std::move(cipher)) {}

  // Appends one record to `out`. Errors, without any effect: too_large beyond kRecordBodyBytesMax;
  // closed after a record of kind `end`.
  Status seal(Kind kind, ByteView body, Bytes& out);
  // The same in `record`, which has the size of the whole record and holds its body at
  // kRecordBodyAt, so that bulk data is read from its file straight to where it is encrypted.
  Status seal_in_place(Kind kind, ByteSpan record);

  bool ended() const { return ended_; }

 private:
  Status check(std::size_t body_bytes) const;

  CipherState cipher_;
  bool ended_ = false;
};

struct Record {
  Kind kind;
  ByteView body;  // inside the memory that was opened
};

// The receiving half. Not thread-safe; may move to another owner than the Sealer.
class Opener {
 public:
  explicit Opener(CipherState cipher) : cipher_(std::move(cipher)) {}

  // Opens the ciphertext of one record in place. Errors: unauthentic for anything but the next
  // record that the peer sealed; malformed for a kind that does not exist; closed after `end`. An
  // error is final: from then on every record is closed.
  Result<Record> open(ByteSpan ciphertext);

  // Whether the peer has said that nothing follows. A stream that stops while this is false was cut
  // short.
  bool ended() const { return ended_; }

 private:
  CipherState cipher_;
  bool ended_ = false;
  bool failed_ = false;
};

struct Transport {
  Sealer sealer;
  Opener opener;
};

}  // namespace fed::channel
