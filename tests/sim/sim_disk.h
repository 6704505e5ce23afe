// A disk in memory that fails, fills up and forgets, all of it from one seed: what a simulated
// machine keeps its state on.
//
// There are two images. The live one is what the machine's programs see. The other one is what the
// platters hold: bytes get there when their file is synced, names when their folder is. Everything
// else waits in the order in which it was done, and when the power goes, what waited has reached
// the platters in part: each name, and each page of each write, by a coin of its own, so also later
// ones without earlier ones; a page may be torn between its sectors; a size may have grown over
// bytes that never came, which then are zeros. When only the process dies, nothing is lost.
//
// Rules beyond that, each the worst that file systems do:
// - Syncing a file does not make its name durable; syncing a folder not that folder's own name.
// - A sync of a file that fails loses what it was to write, although the programs still see it and
//   the next sync succeeds (Rebello et al. 2020, Can applications recover from fsync failures?).
// - A write to a disk that gets full has written what there was room for.
// - Renames are atomic, also over a power cut.
// What has waited for very long is written back without anybody's asking, as kernels do.
//
// No choice depends on bytes or names, so a seed repeats its faults when keys and salts differ.
// Thread-safe as Disk says; the operations are numbered in the order in which they come.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/random.h"

namespace fed::sim {

// What goes wrong. Operations count from 1; see SimDisk::operations.
struct DiskFaults {
  std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max();  // of all files together
  std::set<std::uint64_t> fail_at{};                                    // these are I/O errors
  std::optional<std::uint64_t> crash_at{};   // the machine stops in the middle of this one
  std::optional<std::uint64_t> freeze_at{};  // this one takes `freeze` longer
  Duration freeze{};
  std::set<std::uint64_t> ignore_syncs{};  // by SimDisk::syncs: said to be done, and are not
};

// How long the operations take; nothing by default.
struct DiskSpeed {
  Duration operation{}, sync{};
  double bytes_per_s = std::numeric_limits<double>::infinity();
};

// Whole files that many machines have alike, such as a model, held once. Thread-safe.
class SharedContents {
 public:
  // A content that equals `content`, which may be `content` itself.
  std::shared_ptr<const Bytes> share(std::shared_ptr<const Bytes> content);

 private:
  std::mutex mutex_;
  std::map<Checksum, std::weak_ptr<const Bytes>> known_;
};

struct SimDiskOptions {
  std::uint64_t seed = 0;
  DiskSpeed speed{};
  // Whether power cuts can come. Without them there is one image only, half of the memory.
  bool power_cuts = true;
  // Where files that are synced are shared with other disks; only without power cuts.
  std::shared_ptr<SharedContents> shared{};
};

enum class Crash { process, power };

class SimDisk final : public Disk {
 public:
  explicit SimDisk(SimDiskOptions options);
  ~SimDisk() override;

  void set_faults(DiskFaults faults);
  // Called once in the middle of operation `crash_at`, from the thread and within the call of
  // whoever does it: from now on the machine must not be heard of any more. Not to call this disk.
  std::function<void()> on_stop;

  // The machine stops: every operation fails from now on. Open files stay so for ever.
  void stop();
  bool stopped() const;
  // Whether it has failed anybody since the machine began.
  bool has_failed() const;
  // The machine begins again with what `crash` has left. Stops it before, if it runs. The faults
  // are gone.
  void restart(Crash crash);

  // So far, over restarts too: every call of Disk or File but closing a file.
  std::uint64_t operations() const;
  std::uint64_t syncs() const;  // of files and folders among them
  // What the operations since the last call have taken.
  Duration take_time();
  std::uint64_t bytes_used() const;
  // Every file in a folder, as programs see it, without an operation: for who looks on.
  void look(const fs::path& folder,
            const std::function<void(const std::string& path, const Bytes& content)>& see) const;

  // Disk
  Result<File> open_to_read(const fs::path& path) override;
  Result<File> open_to_write(const fs::path& path, int mode) override;
  Result<FileInfo> inspect(const fs::path& path) override;
  Result<std::vector<fs::path>> list(const fs::path& folder) override;
  Status make_folder(const fs::path& path) override;
  Status link(const fs::path& from, const fs::path& to) override;
  // Of files only: `unsupported` for a folder.
  Status rename(const fs::path& from, const fs::path& to) override;
  Status remove(const fs::path& path) override;
  Status touch(const fs::path& path) override;
  Status sync_folder(const fs::path& folder) override;
  Result<std::uint64_t> bytes_free(const fs::path& folder) override;

 private:
  struct Node;
  struct NodeChange;
  class Handle;
  using NodePointer = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePointer, std::less<>>;  // by path

  // A change of names that has not reached the platters: `removed` goes and `added` comes, at once.
  // Either may be empty.
  struct NameChange {
    std::string removed, added;
    NodePointer node;
  };

  // How an operation goes: whether it is done, and what its caller hears. One in whose middle the
  // machine stops may be done although nobody hears of it.
  struct Turn {
    bool done = true;
    Status heard{};
  };

  Turn begin(const fs::path& path, Duration takes);
  bool sync_counts();
  Duration time_for(std::uint64_t bytes) const;
  Result<NodePointer> find(const fs::path& path) const;
  Status check_new(const fs::path& path) const;
  NodePointer add_node(const fs::path& path, bool folder, unsigned mode);
  Result<File> open(const fs::path& path, bool to_write, int mode);
  void change_names(NameChange change);
  static void apply(const NameChange& change, Names& names);
  bool charge(Node& node, std::uint64_t bytes);
  void let_go(Node& node);
  Status write(Node& node, std::uint64_t offset, ByteView from);
  void resize(Node& node, std::uint64_t size);
  void lose_power();
  void survive(Node& node, const NodeChange& change, double page_odds);
  std::map<std::uint64_t, NodePointer> nodes_by_age() const;
  double odds();

  mutable std::mutex mutex_;
  const SimDiskOptions options_;
  Random random_;
  DiskFaults faults_;
  std::uint64_t operations_ = 0, syncs_ = 0;
  std::uint64_t life_ = 0;  // open files of another life are dead
  bool stopped_ = false, failed_ = false;
  Duration time_{};
  std::int64_t clock_ = 0;  // of FileInfo::modified
  std::uint64_t used_ = 0, nodes_ = 0;
  Names names_, durable_;
  std::vector<NameChange> changes_;
};

}  // namespace fed::sim
