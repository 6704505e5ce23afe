#include "channel/record_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace fed::channel {
namespace {

// One reader of a thread reads at a time; a second spare is for one that is destroyed meanwhile.
constexpr std::size_t kSpares = 2;
thread_local std::vector<Bytes> spares;

Bytes take_buffer(std::size_t bytes) {
  const auto fitting = std::find_if(spares.begin(), spares.end(),
                                    [&](const Bytes& spare) { return spare.size() == bytes; });
  if (fitting == spares.end()) return Bytes(bytes);
  Bytes buffer = std::move(*fitting);
  spares.erase(fitting);
  return buffer;
}

void give_back(Bytes buffer) {
  if (spares.size() < kSpares) spares.push_back(std::move(buffer));
}

}  // namespace

RecordReader::RecordReader(std::size_t capacity_bytes)
    : capacity_(std::max(capacity_bytes, kCapacityMin)) {}

void RecordReader::rest() {
  if (buffer_.size() != capacity_) return;
  Bytes incomplete(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                   buffer_.begin() + static_cast<std::ptrdiff_t>(end_));
  end_ -= begin_;
  begin_ = 0;
  give_back(std::exchange(buffer_, std::move(incomplete)));
}

ByteSpan RecordReader::room() {
  if (buffer_.size() != capacity_) {
    Bytes buffer = take_buffer(capacity_);
    std::copy_n(buffer_.begin(), buffer_.size(), buffer.begin());
    buffer_ = std::move(buffer);
  }
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
