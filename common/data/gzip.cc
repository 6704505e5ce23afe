#include "data/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>

namespace fed::data {
namespace {

constexpr std::size_t kTransferMax = 1u << 30;  // zlib counts in int

gzFile as_gz(void* stream) { return static_cast<gzFile>(stream); }

Result<void*> open_stream(const fs::path& path, const char* mode) {
  errno = 0;
  gzFile stream = gzopen(path.c_str(), mode);
  const int error_number = errno == 0 ? ENOMEM : errno;
  if (stream == nullptr) return from_errno("cannot open " + path.string(), error_number);
  gzbuffer(stream, 1u << 17);
  return static_cast<void*>(stream);
}

}  // namespace

void GzipFile::Closer::operator()(void* stream) const { gzclose(as_gz(stream)); }

Result<GzipFile> GzipFile::open_to_read(const fs::path& path) {
  FED_ASSIGN(stream, open_stream(path, "rb"));
  return GzipFile(stream, path);
}

Result<GzipFile> GzipFile::open_to_write(const fs::path& path) {
  FED_ASSIGN(stream, open_stream(path, "wb6"));
  return GzipFile(stream, path);
}

Result<std::size_t> GzipFile::read(ByteSpan into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto wanted = static_cast<unsigned>(std::min(into.size() - done, kTransferMax));
    const int got = gzread(as_gz(stream_.get()), into.data() + done, wanted);
    int status = Z_OK;
    gzerror(as_gz(stream_.get()), &status);
    if (got < 0 || (status != Z_OK && status != Z_STREAM_END)) return error("read");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Status GzipFile::write(ByteView from) {
  while (!from.empty()) {
    const auto wanted = static_cast<unsigned>(std::min(from.size(), kTransferMax));
    if (gzwrite(as_gz(stream_.get()), from.data(), wanted) <= 0) return error("write");
    from = from.subspan(wanted);
  }
  return {};
}

Status GzipFile::close() {
  const int status = gzclose(as_gz(stream_.release()));
  if (status == Z_OK) return {};
  if (status == Z_ERRNO) return from_errno("cannot write " + path_.string(), errno);
  return Error{ErrorCode::io, "cannot close " + path_.string()};
}

Error GzipFile::error(const char* action) const {
  const int error_number = errno;
  int status = Z_OK;
  const char* message = gzerror(as_gz(stream_.get()), &status);
  const std::string what = std::string("cannot ") + action + " " + path_.string();
  if (status == Z_ERRNO) return from_errno(what, error_number);
  if (status == Z_BUF_ERROR) {
    return {ErrorCode::malformed, path_.string() + " ends in the middle of its compressed data"};
  }
  return {ErrorCode::malformed, what + ": damaged compressed data (" + message + ")"};
}

}  // namespace fed::data
