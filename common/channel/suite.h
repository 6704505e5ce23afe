// What the two sides of a channel can agree on: the handshake pattern and the cipher.
//
// Everything else is fixed: X25519 and SHA-256, as in `Noise_XK_25519_AESGCM_SHA256`.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "crypto/aead.h"

namespace fed::channel {

// The cipher functions of the Noise Protocol Framework, revision 34, section 12. The values go over
// the wire.
enum class Suite : std::uint8_t { aesgcm = 1, chachapoly = 2 };

// Section 7.5 (XK) and 9 (the psk3 modifier). XK: the client knows the server's public key, and
// sends its own encrypted in message 3. XKpsk3 adds a secret that both know, here the one-time
// secret of a join code.
enum class Pattern : std::uint8_t { xk = 1, xkpsk3 = 2 };

crypto::Aead aead_of(Suite suite);

// "AESGCM" or "ChaChaPoly", as in a protocol name and in configurations; and back
// (ErrorCode::invalid for others).
const char* name(Suite suite);
Result<Suite> suite_from(std::string_view name);

// For example "Noise_XKpsk3_25519_ChaChaPoly_SHA256".
std::string protocol_name(Pattern pattern, Suite suite);

// A set of suites as a bit mask: bit (value - 1) of each.
using SuiteSet = std::uint8_t;
constexpr SuiteSet set_of(Suite suite) {
  return static_cast<SuiteSet>(1 << (static_cast<int>(suite) - 1));
}
// The suites that this machine can use: ChaChaPoly always, AESGCM with AES instructions.
SuiteSet suites_supported();
// The suite for a client here and a server that supports `server`: AESGCM where both can, else
// ChaChaPoly.
Suite choose_suite(SuiteSet server);

}  // namespace fed::channel
