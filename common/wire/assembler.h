// Control messages as bodies of records: one flag byte (1 = last fragment), then a fragment of the
// FlatBuffer.
//
// Pure: bytes in, messages out. The assembler holds at most `bytes_max` bytes. Not thread-safe.
#pragma once

#include <functional>
#include <optional>

#include "wire/messages.h"

namespace fed::wire {

// Cuts `message` into bodies of at most `body_max` bytes and hands each to `emit`.
void fragment(const Message& message, std::size_t body_max,
              const std::function<void(ByteView body)>& emit);

class Assembler {
 public:
  explicit Assembler(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // The message, once its last fragment is there. ErrorCode::too_large or malformed end the
  // session.
  Result<std::optional<Message>> add(ByteView body);

 private:
  std::size_t bytes_max_;
  Bytes pending_;
};

}  // namespace fed::wire
