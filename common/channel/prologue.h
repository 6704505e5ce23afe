// The preamble: the only bytes that ever travel in the clear, and what binds them.
//
// The initiator sends eight bytes before message 1, so that the responder knows which handshake
// follows:
//
//   | offset | bytes | what                                      |
//   |--------|-------|-------------------------------------------|
//   | 0      | 4     | "FEDL"                                    |
//   | 4      | 2     | protocol version, little-endian: 1        |
//   | 6      | 1     | suite: 1 = AESGCM, 2 = ChaChaPoly         |
//   | 7      | 1     | pattern: 1 = XK, 2 = XKpsk3               |
//
// Both sides put them, followed by the protocol's name, into the handshake's prologue: whoever
// changes them on the way (to force an older version, a weaker cipher) breaks the handshake. Pure
// functions.
#pragma once

#include <array>
#include <cstddef>

#include "base/bytes.h"
#include "channel/suite.h"

namespace fed::channel {

inline constexpr std::uint16_t kProtocolVersion = 1;
inline constexpr std::size_t kPreambleBytes = 8;

struct Preamble {
  Suite suite = Suite::chachapoly;
  Pattern pattern = Pattern::xk;

  bool operator==(const Preamble&) const = default;
};

std::array<std::uint8_t, kPreambleBytes> encode(const Preamble& preamble);

// Errors: malformed for what is no preamble at all; unsupported for another version, suite or
// pattern.
Result<Preamble> parse_preamble(ByteView bytes);

// The prologue of the handshake that `preamble` announces.
Bytes prologue_of(const Preamble& preamble);

}  // namespace fed::channel
