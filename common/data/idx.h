// IDX files, the format of MNIST and its kin: a header of big-endian integers and an array of
// numbers.
//
//   0x00 0x00 | type | number of dimensions D | D x u32 size | values, the last dimension fastest
//
// (Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", section "File
// formats".) Only unsigned bytes (type 0x08) are read; compressed files too. The first dimension
// counts the items.
//
// An IdxReader has one owner and is not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "data/gzip.h"

namespace fed::data {

inline constexpr std::uint64_t kIdxItemBytesMax = 1u << 30;

class IdxReader {
 public:
  // Reads the header. ErrorCode::malformed if it is none, ErrorCode::unsupported for another type
  // than bytes, ErrorCode::too_large for a header that claims more than kIdxItemBytesMax an item or
  // more than a file of this size can hold, before anything is allocated.
  static Result<IdxReader> open(const fs::path& path);

  const fs::path& path() const { return file_.path(); }
  std::int64_t items() const { return dimensions_[0]; }
  std::span<const std::int64_t> dimensions() const { return dimensions_; }
  std::int64_t item_bytes() const;  // product of the other dimensions

  // The next item; ErrorCode::malformed if the file ends before. `item` has item_bytes().
  Status read(ByteSpan item);
  // Once all items are read: ErrorCode::malformed if bytes follow.
  Status finish();

 private:
  explicit IdxReader(GzipFile file) : file_(std::move(file)) {}
  Status read_header();
  Status check_claim() const;
  Error error(ErrorCode code, const std::string& what) const;

  GzipFile file_;
  std::vector<std::int64_t> dimensions_;
  std::int64_t done_ = 0;
};

// Writes the header of an array of bytes, compressed; the items follow by `write`.
Result<GzipFile> create_idx(const fs::path& path, std::span<const std::int64_t> dimensions);

}  // namespace fed::data
