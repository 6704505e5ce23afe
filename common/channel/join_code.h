// The join code: everything that a new client needs, in one line that fits an e-mail.
//
//   "fed1-" + base64url of:
//   | bytes | what                                                                         |
//   |-------|------------------------------------------------------------------------------|
//   | 1     | the suites that the server supports, as a bit mask (SuiteSet)                |
//   | 32    | the server's public key                                                      |
//   | 8     | join id: names the invitation                                                |
//   | 32    | psk: the invitation's one-time secret                                        |
//   | 3-261 | the server's address, "host:port" or "[ipv6]:port"                           |
//   | 4     | checksum: the front of SHA-256 over "fed1-" and all of the above             |
//
// The checksum is against slips of the hand, not against an attacker: the code is a secret and
// gives its holder the right to join once.
#pragma once

#include <string>
#include <string_view>

#include "channel/handshake.h"

namespace fed::channel {

struct JoinCode {
  SuiteSet suites;
  crypto::PublicKey server;
  JoinId id;
  crypto::SecretKey psk;
  std::string address;
};

// ErrorCode::invalid for an address that is not host:port.
Result<std::string> encode_join_code(const JoinCode& code);

// White space anywhere is ignored, since mail programs wrap lines. ErrorCode::malformed tells the
// person who pasted the code what to do; the code's content never appears in the message.
Result<JoinCode> decode_join_code(std::string_view text);

}  // namespace fed::channel
