// A file that may be compressed with gzip: read either way by its first bytes, written compressed.
//
// The only zlib.h. Checks of gzip (length, CRC-32) that fail, and a compressed file that ends too
// early, are ErrorCode::malformed; the operating system's refusals are as in base/file.h. One
// owner, not thread-safe.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

namespace fed::data {

class GzipFile {
 public:
  static Result<GzipFile> open_to_read(const fs::path& path);
  // Replaces the content. Two files of the same bytes are the same file: no time stamp is written.
  static Result<GzipFile> open_to_write(const fs::path& path);

  const fs::path& path() const { return path_; }

  // Fills `into`; fewer bytes only at the end of the file.
  Result<std::size_t> read(ByteSpan into);
  Status write(ByteView from);
  // Completes the file; without it a failed last write goes unnoticed.
  Status close();

 private:
  struct Closer {
    void operator()(void* stream) const;
  };

  GzipFile(void* stream, fs::path path) : stream_(stream), path_(std::move(path)) {}
  Error error(const char* action) const;

  std::unique_ptr<void, Closer> stream_;
  fs::path path_;
};

}  // namespace fed::data
