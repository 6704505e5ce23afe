#include "channel/prologue.h"

#include <algorithm>
#include <string_view>

namespace fed::channel {
namespace {

constexpr std::string_view kMagic = "FEDL";

}  // namespace

std::array<std::uint8_t, kPreambleBytes> encode(const Preamble& preamble) {
  std::array<std::uint8_t, kPreambleBytes> out;
  std::copy(kMagic.begin(), kMagic.end(), out.begin());
  store_le<std::uint16_t>(out.data() + 4, kProtocolVersion);
  out[6] = static_cast<std::uint8_t>(preamble.suite);
  out[7] = static_cast<std::uint8_t>(preamble.pattern);
  return out;
}

Result<Preamble> parse_preamble(ByteView bytes) {
  if (bytes.size() != kPreambleBytes || text(bytes.first(4)) != kMagic) {
    return Error{ErrorCode::malformed, "the peer does not speak this protocol"};
  }
  const auto version = load_le<std::uint16_t>(bytes.data() + 4);
  if (version != kProtocolVersion) {
    return Error{ErrorCode::unsupported, "the peer speaks version " + std::to_string(version) +
                                             " of the protocol, this program version " +
                                             std::to_string(kProtocolVersion) +
                                             ": upgrade the older of the two"};
  }
  const Preamble preamble{Suite{bytes[6]}, Pattern{bytes[7]}};
  if (preamble.suite != Suite::aesgcm && preamble.suite != Suite::chachapoly) {
    return Error{ErrorCode::unsupported, "the peer asks for an unknown cipher"};
  }
  if (preamble.pattern != Pattern::xk && preamble.pattern != Pattern::xkpsk3) {
    return Error{ErrorCode::unsupported, "the peer asks for an unknown kind of handshake"};
  }
  return preamble;
}

Bytes prologue_of(const Preamble& preamble) {
  Bytes out = copy(encode(preamble));
  append(out, view(protocol_name(preamble.pattern, preamble.suite)));
  return out;
}

}  // namespace fed::channel
