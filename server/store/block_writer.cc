#include "store/block_writer.h"

#include <algorithm>

namespace fed::store {

Status BlockWriter::put(const File& file, ByteView bytes, std::uint64_t granularity) {
  const std::uint64_t goal = (end() + bytes.size()) / granularity * granularity;
  if (goal <= written_) {
    hold(bytes);
    return {};
  }
  std::uint64_t at = written_;
  if (!held_.empty()) {
    const std::size_t held = held_.size();
    const std::uint64_t boundary = (written_ / kBlockBytes + 1) * kBlockBytes;
    const ByteView front = bytes.first(static_cast<std::size_t>(std::min(goal, boundary) - end()));
    hold(front);
    const Status written = file.write_at(at, held_);
    at += held_.size();
    held_.resize(held);  // until all has been written
    FED_TRY(written);
    bytes = bytes.subspan(front.size());
  }
  const auto whole = static_cast<std::size_t>(goal - at);
  if (whole > 0) FED_TRY(file.write_at(at, bytes.first(whole)));
  written_ = goal;
  held_.clear();
  hold(bytes.subspan(whole));
  return {};
}

void BlockWriter::hold(ByteView bytes) {
  // At once what it will come to, if it is large: growing copies.
  if (held_.capacity() < held_.size() + bytes.size()) {
    held_.reserve(bytes.size() < kBlockBytes / 4 ? 2 * (held_.size() + bytes.size()) : kBlockBytes);
  }
  fed::append(held_, bytes);
}

}  // namespace fed::store
