#include "channel/join_code.h"

#include <algorithm>
#include <charconv>

#include "crypto/hash.h"

namespace fed::channel {
namespace {

constexpr std::string_view kPrefix = "fed1-";
constexpr std::size_t kFixedBytes = 1 + 32 + 8 + 32;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kAddressBytesMax = 261;  // a DNS name of 253, brackets or not, ':' and a port
constexpr std::size_t kTextBytesMax = 1024;

// Wiped when it goes, since it holds the one-time secret.
struct WipedBytes {
  Bytes bytes;
  WipedBytes() = default;
  WipedBytes(const WipedBytes&) = delete;
  WipedBytes& operator=(const WipedBytes&) = delete;
  ~WipedBytes() { crypto::wipe(bytes); }
};

crypto::Hash checksum_of(ByteView content) {
  crypto::Sha256 hasher;
  hasher.update(view(kPrefix));
  hasher.update(content);
  return hasher.finish();
}

bool is_address(std::string_view address) {
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || address.size() > kAddressBytesMax) {
    return false;
  }
  const std::string_view host = address.substr(0, colon);
  const std::string_view port = address.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find_first_of(":[]") != std::string_view::npos) return false;
  if (std::any_of(host.begin(), host.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    return false;
  }
  std::uint16_t number = 0;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == port.data() + port.size() && number != 0;
}

template <std::size_t N>
std::array<std::uint8_t, N> take(ByteView& bytes) {
  std::array<std::uint8_t, N> out;
  std::copy_n(bytes.begin(), N, out.begin());
  bytes = bytes.subspan(N);
  return out;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

const Error kDamaged{ErrorCode::malformed,
                     "the join code is incomplete or mistyped: copy the whole line that `fedserver "
                     "invite` printed, or ask for a new one"};

}  // namespace

Result<std::string> encode_join_code(const JoinCode& code) {
  if (!is_address(code.address)) {
    return Error{ErrorCode::invalid, "\"" + code.address +
                                         "\" is not an address that clients can connect to: "
                                         "give host:port, for example fl.example.org:7600"};
  }
  WipedBytes content;
  content.bytes.reserve(kFixedBytes + code.address.size() + kChecksumBytes);
  content.bytes.push_back(code.suites);
  append(content.bytes, code.server);
  append(content.bytes, code.id);
  append(content.bytes, code.psk.view());
  append(content.bytes, view(code.address));
  const crypto::Hash checksum = checksum_of(content.bytes);
  append(content.bytes, ByteView(checksum).first(kChecksumBytes));
  return std::string(kPrefix) + to_base64url(content.bytes);
}

Result<JoinCode> decode_join_code(std::string_view text_with_spaces) {
  std::string line;
  if (text_with_spaces.size() > kTextBytesMax) {
    return Error{ErrorCode::malformed,
                 "that is too long to be a join code: it is one line that "
                 "starts with \"fed1-\""};
  }
  std::copy_if(text_with_spaces.begin(), text_with_spaces.end(), std::back_inserter(line),
               [](char c) { return !is_space(c); });
  if (!line.starts_with(kPrefix)) {
    return Error{ErrorCode::malformed,
                 "that is not a join code: it is one line that starts with "
                 "\"fed1-\", as `fedserver invite` prints it"};
  }
  Result<Bytes> decoded = from_base64url(std::string_view(line).substr(kPrefix.size()));
  if (!decoded || decoded->size() < kFixedBytes + kChecksumBytes) return kDamaged;
  WipedBytes content;
  content.bytes = std::move(*decoded);
  const ByteView all = content.bytes;
  ByteView rest = all.first(all.size() - kChecksumBytes);
  const crypto::Hash checksum = checksum_of(rest);
  if (!std::equal(all.end() - kChecksumBytes, all.end(), checksum.begin())) return kDamaged;

  const SuiteSet suites = take<1>(rest)[0];
  const auto server = take<32>(rest);
  const auto id = take<8>(rest);
  const crypto::Wiped<32> psk(rest.first<32>());
  std::string address(text(rest.subspan(32)));
  if (!is_address(address)) {
    return Error{ErrorCode::malformed,
                 "the join code holds no usable address of the server: ask "
                 "its operator for a new code"};
  }
  return JoinCode{suites, server, id, crypto::SecretKey(psk.view()), std::move(address)};
}

}  // namespace fed::channel
