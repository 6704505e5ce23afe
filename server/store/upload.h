// One update being received: chunks in, a verified file with its statistics out.
//
// Each byte is touched once, while it is in cache: written at its offset, added to the checksum,
// and to the statistics that the gate judges by. Chunks may have any size and address; the
// statistics are those of the whole vector of floats, to the bit, however it was cut or resumed;
// for bytes that are no floats they mean nothing.
//
// How much of a part is there: its size says so. One that is written over an older file of the same
// size (spares.h) has a mark behind the update's bytes instead: u64 little-endian, never ahead of
// the bytes that were written, and at most kMarkEvery behind them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/disk.h"
#include "tensor/statistics.h"

namespace fed::store {

inline constexpr std::uint64_t kMarkBytes = sizeof(std::uint64_t);
inline constexpr std::uint64_t kMarkEvery = 256 * 1024;
// Bytes after which the disk is asked to begin with them: so the page cache does not fill with what
// is yet to be written, and the sync at the end finds little to do.
inline constexpr std::uint64_t kWriteBehind = 8 * 1024 * 1024;

// Whose update of which task.
struct UploadKey {
  std::string job{};
  std::int64_t task = 0;
  std::int64_t client = 0;

  auto operator<=>(const UploadKey&) const = default;
};

// What the gate needs to know of a complete update.
struct UploadFacts {
  std::uint64_t bytes = 0;
  tensor::Statistics statistics;
  Checksum checksum{};
  std::uint64_t lease = 0;  // which Upload of its key it was; for Staging::keep
};

// Ends an Upload's right to write when a newer one takes its place. Held while writing; without
// contention that costs some 20 ns a chunk.
struct UploadFence {
  explicit UploadFence(std::uint64_t of_lease = 0) : lease(of_lease) {}

  const std::uint64_t lease;
  std::mutex mutex;
  bool superseded = false;
};

// The floats in a stream of bytes: those that straddle two chunks, or lie at odd addresses, are put
// together again. Not thread-safe.
class FloatStream {
 public:
  void update(ByteView bytes);
  tensor::Statistics finish() const { return statistics_.finish(); }

 private:
  void update_whole(ByteView bytes);

  tensor::RunningStatistics statistics_;
  std::array<std::uint8_t, sizeof(float)> carry_{};
  std::size_t carried_ = 0;
};

// Made by Staging::receive. Owned by a connection, one thread at a time. Destroying it keeps the
// part for later.
class Upload {
 public:
  struct Paths {
    fs::path part, complete;
  };
  // Reads what is there of the part again. Called by Staging.
  static Result<Upload> open(Disk& disk, Paths paths, std::uint64_t bytes, const Checksum& expected,
                             Durability durability, std::shared_ptr<UploadFence> fence);

  std::uint64_t offset() const { return offset_; }  // bytes there already: where to go on
  std::uint64_t bytes() const { return bytes_; }    // in the end

  // The next chunk. `invalid` unless `offset` is offset() and the chunk ends within bytes();
  // `closed` if superseded; disk_full, io. After an error offset() is as before and the same chunk
  // may be written again.
  Status write(std::uint64_t offset, ByteView chunk);

  // All bytes are there: verifies, syncs, gives the file its final name. `invalid` if bytes are
  // missing; mismatch if the checksum is another one: the part is gone then, and the client starts
  // anew; `closed` if superseded; disk_full, io: if the bytes could not be synced, they are gone as
  // well.
  Result<UploadFacts> finish() &&;
  // The same of several, in their order: the disk writes their bytes at the same time, and the
  // names of those in one folder are synced at once. Not thread-safe, as ever.
  static std::vector<Result<UploadFacts>> finish(std::span<Upload> whole);

 private:
  Upload(Disk& disk, File file, Paths paths, std::uint64_t bytes, const Checksum& expected,
         Durability durability, std::shared_ptr<UploadFence> fence);
  // What the part holds already, of `size` bytes.
  Result<std::uint64_t> progress(std::uint64_t size);
  Status reread(std::uint64_t bytes);
  Status mark();
  Status write_behind();
  Status verify();  // that it is whole and what was announced
  Status sync();
  void absorb(ByteView chunk);
  Status check_alive() const;  // under the fence's mutex

  Disk* disk_;
  File file_;
  Paths paths_;
  std::uint64_t bytes_, offset_ = 0;
  bool over_older_ = false;   // the part has a mark
  std::uint64_t marked_ = 0;  // what it says
  std::uint64_t behind_ = 0;  // up to where the disk has been asked to write
  Checksum expected_;
  Durability durability_;
  std::shared_ptr<UploadFence> fence_;
  Checksummer checksummer_;
  FloatStream floats_;
};

}  // namespace fed::store
