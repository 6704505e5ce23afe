#include "wire/assembler.h"

#include <algorithm>

namespace fed::wire {
namespace {

constexpr std::uint8_t kLast = 1;

}  // namespace

void fragment(const Message& message, std::size_t body_max,
              const std::function<void(ByteView body)>& emit) {
  const Bytes whole = encode(message);
  const std::size_t step = body_max - 1;
  Bytes body;
  for (std::size_t at = 0; at < whole.size(); at += step) {
    const std::size_t length = std::min(step, whole.size() - at);
    body.assign(1, at + length == whole.size() ? kLast : 0);
    append(body, ByteView(whole).subspan(at, length));
    emit(body);
  }
}

Result<std::optional<Message>> Assembler::add(ByteView body) {
  if (body.empty() || body[0] > kLast)
    return Error{ErrorCode::malformed, "control fragment without a flag"};
  const ByteView fragment = body.subspan(1);
  if (fragment.size() > bytes_max_ - pending_.size()) {
    return Error{ErrorCode::too_large,
                 "control message beyond " + std::to_string(bytes_max_) + " bytes"};
  }
  append(pending_, fragment);
  if (body[0] != kLast) return std::optional<Message>();
  const Bytes whole = std::move(pending_);
  pending_.clear();
  FED_ASSIGN(message, decode(whole));
  return std::optional<Message>(std::move(message));
}

}  // namespace fed::wire
