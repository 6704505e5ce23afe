#include "base/bytes.h"

#include <array>

namespace fed {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::uint8_t byte : bytes) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

Result<Bytes> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return Error{ErrorCode::malformed, "hexadecimal text of odd length"};
  Bytes out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]);
    const int low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0) return Error{ErrorCode::malformed, "not a hexadecimal digit"};
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

std::string to_base64url(ByteView bytes) {
  std::string out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (std::uint8_t byte : bytes) {
    buffer = (buffer << 8 | byte) & 0xffff;
    bits += 8;
    for (; bits >= 6; bits -= 6) out += kBase64[buffer >> (bits - 6) & 63];
  }
  if (bits > 0) out += kBase64[buffer << (6 - bits) & 63];
  return out;
}

Result<Bytes> from_base64url(std::string_view text) {
  Bytes out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (char c : text) {
    const auto digit = kBase64.find(c);
    if (digit == std::string_view::npos)
      return Error{ErrorCode::malformed, "not a base64url digit"};
    buffer = (buffer << 6 | static_cast<std::uint32_t>(digit)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<std::uint8_t>(buffer >> bits & 0xff));
  }
  const bool spare_bits_set = (buffer & ((1u << bits) - 1)) != 0;
  if (bits >= 6 || spare_bits_set)
    return Error{ErrorCode::malformed, "base64url text is cut short"};
  return out;
}

}  // namespace fed
