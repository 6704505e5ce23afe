#include "data/idx.h"

#include <fmt/format.h>

#include <array>
#include <limits>

namespace fed::data {
namespace {

constexpr std::uint8_t kUnsignedBytes = 0x08;
constexpr std::size_t kDimensionsMax = 8;
constexpr std::uint64_t kDeflateRatioMax = 1032;  // RFC 1951: 258 bytes from two bits

std::int64_t load_be32(const std::uint8_t* at) {
  return std::int64_t{at[0]} << 24 | std::int64_t{at[1]} << 16 | std::int64_t{at[2]} << 8 | at[3];
}

void store_be32(std::uint8_t* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

const char* type_name(std::uint8_t type) {
  switch (type) {
    case 0x09:
      return "signed bytes";
    case 0x0b:
      return "16-bit integers";
    case 0x0c:
      return "32-bit integers";
    case 0x0d:
      return "32-bit floats";
    case 0x0e:
      return "64-bit floats";
    default:
      return nullptr;
  }
}

}  // namespace

Result<IdxReader> IdxReader::open(const fs::path& path) {
  FED_ASSIGN(file, GzipFile::open_to_read(path));
  IdxReader reader(std::move(file));
  FED_TRY(reader.read_header());
  FED_TRY(reader.check_claim());
  return reader;
}

Status IdxReader::read_header() {
  std::array<std::uint8_t, 4> magic{};
  FED_ASSIGN(got, file_.read(magic));
  if (got < magic.size())
    return error(ErrorCode::malformed, "is no IDX file: it ends within the header");
  const bool known = magic[2] == kUnsignedBytes || type_name(magic[2]) != nullptr;
  if (magic[0] != 0 || magic[1] != 0 || !known || magic[3] == 0 || magic[3] > kDimensionsMax) {
    return error(ErrorCode::malformed, "is no IDX file: it begins with " + to_hex(magic));
  }
  if (magic[2] != kUnsignedBytes) {
    return error(ErrorCode::unsupported,
                 fmt::format("holds {} (type 0x{:02x}); only unsigned bytes (type 0x08) are read",
                             type_name(magic[2]), magic[2]));
  }
  std::vector<std::uint8_t> sizes(std::size_t{4} * magic[3]);
  FED_ASSIGN(got_sizes, file_.read(sizes));
  if (got_sizes < sizes.size()) {
    return error(ErrorCode::malformed, "is no IDX file: it ends within the header");
  }
  for (std::size_t at = 0; at < sizes.size(); at += 4) dimensions_.push_back(load_be32(&sizes[at]));
  return {};
}

Status IdxReader::check_claim() const {
  std::uint64_t item = 1;
  for (std::int64_t size : dimensions().subspan(1)) {
    item *= static_cast<std::uint64_t>(size);  // both below 2^32
    if (item > kIdxItemBytesMax) {
      return error(ErrorCode::too_large,
                   fmt::format("claims items of more than {} bytes", kIdxItemBytesMax));
    }
  }
  std::error_code failed;
  const std::uint64_t file_bytes = fs::file_size(path(), failed);
  if (failed) return from_errno("cannot inspect " + path().string(), failed.value());
  const std::uint64_t claimed = item * static_cast<std::uint64_t>(items());
  if (claimed / kDeflateRatioMax <= file_bytes) return {};
  return error(ErrorCode::too_large,
               fmt::format("claims {} bytes of values, more than a file of {} bytes can hold",
                           claimed, file_bytes));
}

std::int64_t IdxReader::item_bytes() const {
  std::int64_t bytes = 1;
  for (std::int64_t size : dimensions().subspan(1)) bytes *= size;
  return bytes;
}

Status IdxReader::read(ByteSpan item) {
  FED_ASSIGN(got, file_.read(item));
  if (got < item.size()) {
    return error(ErrorCode::malformed, fmt::format("ends after {} of {} items", done_, items()));
  }
  ++done_;
  return {};
}

Status IdxReader::finish() {
  std::array<std::uint8_t, 1> behind{};
  FED_ASSIGN(got, file_.read(behind));
  if (got == 0) return {};
  return error(ErrorCode::malformed, fmt::format("has more bytes than its {} items", items()));
}

Error IdxReader::error(ErrorCode code, const std::string& what) const {
  return {code, path().string() + " " + what};
}

Result<GzipFile> create_idx(const fs::path& path, std::span<const std::int64_t> dimensions) {
  FED_CHECK(!dimensions.empty() && dimensions.size() <= kDimensionsMax);
  Bytes header(4 + 4 * dimensions.size(), 0);
  header[2] = kUnsignedBytes;
  header[3] = static_cast<std::uint8_t>(dimensions.size());
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    FED_CHECK(dimensions[i] >= 0 && dimensions[i] <= std::numeric_limits<std::uint32_t>::max());
    store_be32(&header[4 + 4 * i], static_cast<std::uint32_t>(dimensions[i]));
  }
  FED_ASSIGN(file, GzipFile::open_to_write(path));
  FED_TRY(file.write(header));
  return file;
}

}  // namespace fed::data
