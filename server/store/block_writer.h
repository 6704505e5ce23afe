// Bytes that come in pieces of any size, written to a file in whole blocks that lie on block
// boundaries.
//
// The system keeps a file in memory in stretches as large as it was written in, if they are
// aligned: those of 64 KiB cost about half of what others do to write, to sync, to read again and
// to release.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/file.h"

namespace fed::store {

// Holds what is not written yet, at most a block. Plain value; one owner at a time.
class BlockWriter {
 public:
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 16;

  // What comes first belongs at `offset`.
  explicit BlockWriter(std::uint64_t offset = 0) : written_(offset) {}

  std::uint64_t written() const { return written_; }  // where the file's part ends
  std::uint64_t end() const { return written_ + held_.size(); }

  // Takes what follows; writes what completes a block. After an error everything is as before,
  // and the same bytes may come again. `file` is the same each time.
  Status append(const File& file, ByteView bytes) { return put(file, bytes, kBlockBytes); }
  // The same, and holds nothing then.
  Status append_last(const File& file, ByteView bytes) { return put(file, bytes, 1); }

 private:
  Status put(const File& file, ByteView bytes, std::uint64_t granularity);
  void hold(ByteView bytes);

  std::uint64_t written_;
  Bytes held_;  // from written_ on, to no boundary
};

}  // namespace fed::store
