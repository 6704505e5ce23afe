// What the simulated disk's files are made of. For sim_disk.cc only.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "sim/sim_disk.h"

namespace fed::sim {

inline constexpr std::uint64_t kBytesWaiting = std::uint64_t{1} << 22;  // of one file

inline Error error_of(const char* action, const fs::path& path, int error_number) {
  return from_errno(std::string("cannot ") + action + " " + path.string(), error_number);
}

inline Error machine_down(const fs::path& path) {
  return {ErrorCode::io, "cannot use " + path.string() + ": the machine is down"};
}

inline void put(Bytes& content, std::uint64_t offset, ByteView from) {
  if (content.size() < offset + from.size()) content.resize(offset + from.size());
  std::ranges::copy(from, content.begin() + static_cast<std::ptrdiff_t>(offset));
}

// Bytes that the platters lack, or a new size.
struct SimDisk::NodeChange {
  std::uint64_t offset = 0;
  Bytes bytes;
  bool resizes = false;
};

struct SimDisk::Node {
  std::uint64_t id = 0;
  bool folder = false;
  unsigned mode = 0600;
  std::int64_t modified = 0;
  std::shared_ptr<const Bytes> shared;  // the live content, if it is shared
  Bytes live, durable;
  std::vector<NodeChange> changes;  // from `durable` to `live`
  std::uint64_t waiting = 0;        // bytes in them
  std::uint64_t reserved = 0, charged = 0;
  std::size_t links = 0, opens = 0;  // of the live image
  const Handle* locked_by = nullptr;

  void apply(const NodeChange& change) {
    if (change.resizes) return durable.resize(change.offset);
    put(durable, change.offset, change.bytes);
  }
  void write_back(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) apply(changes[i]);
    changes.erase(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(count));
    waiting = 0;
    for (const NodeChange& change : changes) waiting += change.bytes.size();
  }
  void note(NodeChange change) {
    waiting += change.bytes.size();
    changes.push_back(std::move(change));
    if (waiting > kBytesWaiting) write_back(changes.size() / 2 + 1);
  }
  const Bytes& content() const { return shared ? *shared : live; }
  void own() {
    if (const auto from = std::exchange(shared, nullptr)) live = *from;
  }
  void share(SharedContents& with) {
    if (!shared) shared = with.share(std::make_shared<const Bytes>(std::exchange(live, {})));
  }
  void forget() {
    changes.clear();
    waiting = 0;
  }
};

class SimDisk::Handle final : public FileBackend {
 public:
  Handle(SimDisk& disk, NodePointer node, fs::path where, bool writable)
      : FileBackend(std::move(where)),
        disk_(disk),
        node_(std::move(node)),
        life_(disk.life_),
        writable_(writable) {
    ++node_->opens;
  }

  ~Handle() override {
    const std::lock_guard lock(disk_.mutex_);
    if (life_ != disk_.life_) return;
    if (node_->locked_by == this) node_->locked_by = nullptr;
    --node_->opens;
    disk_.let_go(*node_);
  }

  Result<FileInfo> inspect() override {
    const std::lock_guard lock(disk_.mutex_);
    const Turn turn = begin({});
    if (!turn.heard) return turn.heard.error();
    return info_of(*node_);
  }

  Status read_at(std::uint64_t offset, ByteSpan into) override {
    const std::lock_guard lock(disk_.mutex_);
    const Turn turn = begin(disk_.time_for(into.size()));
    if (!turn.heard) return turn.heard;
    if (node_->folder) return error_of("read", path, EISDIR);
    const std::uint64_t size = node_->content().size();
    if (offset > size || into.size() > size - offset) {
      return Error{ErrorCode::malformed, path.string() + " ends too early"};
    }
    std::ranges::copy(ByteView(node_->content()).subspan(offset, into.size()), into.begin());
    return {};
  }

  // One in whose middle the machine stops has written its front.
  Status write_at(std::uint64_t offset, ByteView from) override {
    const std::lock_guard lock(disk_.mutex_);
    const Turn turn = begin(disk_.time_for(from.size()));
    if (!turn.done) return turn.heard;
    if (!writable_) return error_of("write", path, EBADF);
    if (!turn.heard) from = from.first(disk_.random_.below(from.size() + 1));
    const Status written = disk_.write(*node_, offset, from);
    if (!written) return within("cannot write " + path.string(), written.error());
    return turn.heard;
  }

  Status truncate(std::uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    const Turn turn = begin({});
    if (!turn.done) return turn.heard;
    if (!writable_) return error_of("resize", path, EINVAL);
    if (!disk_.charge(*node_, size)) return error_of("resize", path, ENOSPC);
    node_->reserved = 0;
    disk_.resize(*node_, size);
    return turn.heard;
  }

  Status reserve(std::uint64_t bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    const Turn turn = begin({});
    if (!turn.done) return turn.heard;
    const std::uint64_t needed = std::max<std::uint64_t>(node_->content().size(), bytes);
    if (!disk_.charge(*node_, needed)) return error_of("reserve room in", path, ENOSPC);
    node_->reserved = needed;
    return turn.heard;
  }

  Status sync() override {
    const std::lock_guard lock(disk_.mutex_);
    const Turn turn = begin(disk_.options_.speed.sync + disk_.time_for(node_->waiting));
    if (turn.done && disk_.sync_counts()) {
      node_->write_back(node_->changes.size());
      if (disk_.options_.shared && !disk_.options_.power_cuts) node_->share(*disk_.options_.shared);
    } else if (!turn.done && !disk_.stopped_) {
      node_->forget();
    }
    return turn.heard;
  }

  Result<bool> lock() override {
    const std::lock_guard lock(disk_.mutex_);
    const Turn turn = begin({});
    if (!turn.heard) return turn.heard.error();
    if (node_->locked_by == nullptr) node_->locked_by = this;
    return node_->locked_by == this;
  }

  static FileInfo info_of(const Node& node) {
    return {.kind = node.folder ? FileInfo::Kind::folder : FileInfo::Kind::file,
            .bytes = node.content().size(),
            .mode = node.mode,
            .owner = ::geteuid(),
            .modified = node.modified};
  }

 private:
  Turn begin(Duration takes) {
    if (life_ != disk_.life_) return {false, machine_down(path)};
    return disk_.begin(path, takes);
  }

  SimDisk& disk_;
  const NodePointer node_;
  const std::uint64_t life_;
  const bool writable_;
};

}  // namespace fed::sim
