// Large bodies on a connection: what is sent whenever no control message waits, in pieces, so that
// messages go between.
//
// Up: records of kind chunk: u64 upload | u64 offset | data, sealed by the channel. Down: a record
// of kind stretch (u32 length), then so many bytes of the sealed blob, raw, by sendfile. All
// integers little-endian.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "base/file.h"

namespace fed::net {

inline constexpr std::size_t kChunkHeaderBytes = 16;
inline constexpr std::size_t kChunkDataMax =
    65496;  // what a record holds beside the header, in eights
inline constexpr std::uint32_t kStretchBytesMax = 4 * 1024 * 1024;

// Bytes [offset, end) of `file` as chunks of upload `upload`.
struct ChunkUpload {
  std::shared_ptr<const File> file;
  std::uint64_t upload = 0, offset = 0, end = 0;
};
// Bytes [offset, end) of `file` as sealed stretches.
struct SealedDownload {
  std::shared_ptr<const File> file;
  std::uint64_t offset = 0, end = 0;
};
using Bulk = std::variant<std::monostate, ChunkUpload, SealedDownload>;

}  // namespace fed::net
