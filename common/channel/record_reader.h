// Cuts a received byte stream into records, in one buffer of a fixed size.
//
//   read(socket, reader.room()) -> reader.filled(n) -> while (record = reader.next())
//   opener.open(record) -> reader.rest()
//
// One large read can bring many records; each is opened where it lies. Between two reads a reader
// keeps no more than the record that is not complete yet, so that a quiet connection costs nothing:
// the buffer goes to the next reader of the thread.
#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"
#include "channel/records.h"

namespace fed::channel {

// A span that next() gave is valid until room(), take() or rest() is called. Not thread-safe.
class RecordReader {
 public:
  static constexpr std::size_t kCapacityMin = kRecordLengthBytes + kRecordCiphertextBytesMax;

  // `capacity_bytes` is raised to kCapacityMin, so that the largest record always fits.
  explicit RecordReader(std::size_t capacity_bytes = 4 * kCapacityMin);

  // Where the next bytes go. Moves an incomplete record to the front first. Not empty once next()
  // has said nothing.
  ByteSpan room();
  // `bytes` of room() have been written.
  void filled(std::size_t bytes);

  // Copies from `bytes` what fits, and says how much that was: for what a handshake left over, and
  // for tests.
  std::size_t take(ByteView bytes);

  // The ciphertext of the next complete record, or nothing yet. ErrorCode::malformed, for good, if
  // a record is announced that is too short to be one.
  Result<std::optional<ByteSpan>> next();

  // Nothing is read for a while: gives the buffer away, but for pending() bytes.
  void rest();
  std::size_t bytes_held() const { return buffer_.size(); }

  // Bytes received but not yet given out. At the end of a stream, others than 0 mean that it was
  // cut.
  std::size_t pending() const { return end_ - begin_; }

  // Takes up to `bytes` out of the stream as they are, not as records: for sealed bytes between
  // records. The span may be shorter than asked, or empty.
  ByteSpan raw(std::size_t bytes);

 private:
  std::size_t capacity_;
  Bytes buffer_;           // of capacity_ bytes; at rest of pending() bytes
  std::size_t begin_ = 0;  // 0 <= begin_ <= end_ <= buffer_.size()
  std::size_t end_ = 0;
};

}  // namespace fed::channel
