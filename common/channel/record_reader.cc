#include "channel/record_reader.h"

#include <algorithm>
#include <cstring>

namespace fed::channel {

RecordReader::RecordReader(std::size_t capacity_bytes)
    : buffer_(std::max(capacity_bytes, kCapacityMin)) {}

ByteSpan RecordReader::room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, pending());
    end_ -= begin_;
    begin_ = 0;
  }
  return ByteSpan(buffer_).subspan(end_);
}

void RecordReader::filled(std::size_t bytes) {
  FED_CHECK(bytes <= buffer_.size() - end_);
  end_ += bytes;
}

std::size_t RecordReader::take(ByteView bytes) {
  const ByteSpan into = room();
  const std::size_t count = std::min(into.size(), bytes.size());
  std::copy_n(bytes.begin(), count, into.begin());
  filled(count);
  return count;
}

Result<std::optional<ByteSpan>> RecordReader::next() {
  if (pending() < kRecordLengthBytes) return std::nullopt;
  const std::size_t length = load_be16(buffer_.data() + begin_);
  if (length < kRecordCiphertextBytesMin) {
    return Error{ErrorCode::malformed, "a record that is too short"};
  }
  if (pending() < kRecordLengthBytes + length) return std::nullopt;
  const ByteSpan record = ByteSpan(buffer_).subspan(begin_ + kRecordLengthBytes, length);
  begin_ += kRecordLengthBytes + length;
  return record;
}

ByteSpan RecordReader::raw(std::size_t bytes) {
  const std::size_t count = std::min(bytes, pending());
  const ByteSpan out = ByteSpan(buffer_).subspan(begin_, count);
  begin_ += count;
  return out;
}

}  // namespace fed::channel
