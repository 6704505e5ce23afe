// Bytes, views of bytes, and fixed little-endian and big-endian integers.
//
// Every format of the project (records, blobs, files) is written through these functions, so the
// byte order is stated where it is used and never depends on the processor. Pure functions; safe
// from any thread.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace fed {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;  // read only, not owned
using ByteSpan = std::span<std::uint8_t>;        // writable, not owned

static_assert(std::endian::native == std::endian::little,
              "tensors are stored as the processor has them");

inline ByteView view(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes copy(ByteView bytes) { return {bytes.begin(), bytes.end()}; }
inline void append(Bytes& to, ByteView from) { to.insert(to.end(), from.begin(), from.end()); }

// Bytes of an array of trivially copyable values, as the processor has them (little-endian).
template <class T>
ByteView as_bytes(std::span<const T> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()};
}
template <class T>
ByteSpan as_writable_bytes(std::span<T> values) {
  return {reinterpret_cast<std::uint8_t*>(values.data()), values.size_bytes()};
}

// Loads and stores of an unsigned integer at `at`, which needs no alignment and must have sizeof(T)
// bytes.
template <std::unsigned_integral T>
T load_le(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <std::unsigned_integral T>
void store_le(std::uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
inline std::uint16_t load_be16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
inline void store_be16(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value & 0xff);
}

// Lower-case hexadecimal. from_hex: ErrorCode::malformed for an odd length or a character outside
// 0-9a-fA-F.
std::string to_hex(ByteView bytes);
Result<Bytes> from_hex(std::string_view hex);

// base64url of RFC 4648, section 5, without padding. from_base64url: ErrorCode::malformed as above.
std::string to_base64url(ByteView bytes);
Result<Bytes> from_base64url(std::string_view text);

}  // namespace fed
