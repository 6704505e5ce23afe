#include "sim/sim_disk.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "sim/sim_file.h"

namespace fed::sim {
namespace {

constexpr std::uint64_t kPageBytes = 4096, kSectorBytes = 512;
constexpr std::size_t kNamesWaiting = 256;  // before they are written back
constexpr std::uint64_t kBytesUnlimited = std::uint64_t{1} << 50;
constexpr double kTornOdds = 0.125;
constexpr std::size_t kSharedMost = 4096;  // before those that are gone are forgotten

}  // namespace

SimDisk::SimDisk(SimDiskOptions options) : options_(options), random_(options.seed) {
  auto root = std::make_shared<Node>();
  root->folder = true;
  root->links = 1;
  names_["/"] = durable_["/"] = std::move(root);
}

SimDisk::~SimDisk() = default;

// ---- Faults ----

void SimDisk::set_faults(DiskFaults faults) {
  const std::lock_guard lock(mutex_);
  faults_ = std::move(faults);
}

void SimDisk::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

bool SimDisk::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

std::uint64_t SimDisk::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

std::uint64_t SimDisk::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

bool SimDisk::sync_counts() { return !faults_.ignore_syncs.contains(++syncs_); }

bool SimDisk::has_failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

std::uint64_t SimDisk::bytes_used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

void SimDisk::look(
    const fs::path& folder,
    const std::function<void(const std::string& path, const Bytes& content)>& see) const {
  const std::lock_guard lock(mutex_);
  const std::string within = folder.string() + "/";
  for (auto at = names_.lower_bound(within); at != names_.end() && at->first.starts_with(within);
       ++at) {
    if (!at->second->folder) see(at->first, at->second->content());
  }
}

Duration SimDisk::take_time() {
  const std::lock_guard lock(mutex_);
  return std::exchange(time_, Duration());
}

Duration SimDisk::time_for(std::uint64_t bytes) const {
  return from_seconds(static_cast<double>(bytes) / options_.speed.bytes_per_s);
}

SimDisk::Turn SimDisk::begin(const fs::path& path, Duration takes) {
  if (stopped_) return {false, machine_down(path)};
  ++operations_;
  time_ += options_.speed.operation + takes;
  if (faults_.freeze_at == operations_) time_ += faults_.freeze;
  if (faults_.crash_at == operations_) {
    const bool done = random_.below(2) == 0;
    stopped_ = true;
    if (on_stop) on_stop();
    return {done, machine_down(path)};
  }
  if (faults_.fail_at.contains(operations_)) {
    failed_ = true;
    return {false, error_of("use", path, EIO)};
  }
  return {};
}

void SimDisk::restart(Crash crash) {
  const std::lock_guard lock(mutex_);
  ++life_;
  stopped_ = failed_ = false;
  faults_ = {};
  if (crash == Crash::power && options_.power_cuts) lose_power();
  // Nobody has a file open any more; the handles of the dead do not count.
  used_ = 0;
  for (const auto& [id, node] : nodes_by_age()) {
    node->locked_by = nullptr;
    node->opens = node->links = 0;
    used_ += node->charged;
  }
  for (const auto& [path, node] : names_) ++node->links;
}

// How much of what waits survives, of one file or of all names: nothing and all of it are likely.
double SimDisk::odds() {
  const std::uint64_t choice = random_.below(4);
  return choice < 2 ? static_cast<double>(choice) : random_.uniform();
}

void SimDisk::lose_power() {
  const double name_odds = odds();
  for (const NameChange& change : changes_) {
    if (random_.uniform() < name_odds) apply(change, durable_);
  }
  changes_.clear();
  // What lies in a folder that is not there is not there; a folder sorts before what it holds.
  std::erase_if(durable_, [this](const auto& entry) {
    return !durable_.contains(fs::path(entry.first).parent_path().native());
  });
  names_ = durable_;
  for (const auto& [id, node] : nodes_by_age()) {
    const double page_odds = odds();
    for (const NodeChange& change : node->changes) survive(*node, change, page_odds);
    node->forget();
    node->shared.reset();
    node->live = node->durable;
    node->reserved = 0;
    node->charged = node->content().size();
  }
}

// What a power cut leaves of one write.
void SimDisk::survive(Node& node, const NodeChange& change, double page_odds) {
  if (change.resizes) {
    if (random_.uniform() < page_odds) node.apply(change);
    return;
  }
  const ByteView bytes = change.bytes;
  for (std::uint64_t at = 0; at < bytes.size();) {
    const std::uint64_t offset = change.offset + at;
    std::uint64_t count = std::min(bytes.size() - at, kPageBytes - offset % kPageBytes);
    const ByteView page = bytes.subspan(at, count);
    at += count;
    if (random_.uniform() >= page_odds) continue;
    if (random_.uniform() < kTornOdds) count = random_.below(count) / kSectorBytes * kSectorBytes;
    if (count > 0) put(node.durable, offset, page.first(count));
  }
}

std::map<std::uint64_t, SimDisk::NodePointer> SimDisk::nodes_by_age() const {
  std::map<std::uint64_t, NodePointer> nodes;
  for (const auto& [path, node] : names_) nodes[node->id] = node;
  return nodes;
}

// ---- Names ----

Result<SimDisk::NodePointer> SimDisk::find(const fs::path& path) const {
  const auto found = names_.find(path.native());
  if (found != names_.end()) return found->second;
  return error_of("find", path, ENOENT);
}

// Whether a name may be made there.
Status SimDisk::check_new(const fs::path& path) const {
  FED_ASSIGN(parent, find(path.parent_path()));
  if (!parent->folder) return error_of("create", path, ENOTDIR);
  if (names_.contains(path.native())) return error_of("create", path, EEXIST);
  return {};
}

SimDisk::NodePointer SimDisk::add_node(const fs::path& path, bool folder, unsigned mode) {
  auto node = std::make_shared<Node>();
  node->id = ++nodes_;
  node->folder = folder;
  node->mode = mode;
  node->modified = ++clock_;
  change_names({{}, path.native(), node});
  return node;
}

void SimDisk::apply(const NameChange& change, Names& names) {
  if (!change.removed.empty()) {
    const auto found = names.find(change.removed);
    if (found != names.end() && found->second == change.node) names.erase(found);
  }
  if (!change.added.empty()) names[change.added] = change.node;
}

void SimDisk::change_names(NameChange change) {
  const auto replaced = names_.find(change.added);
  const NodePointer before = replaced == names_.end() ? nullptr : replaced->second;
  if (before) --before->links;
  if (!change.added.empty()) ++change.node->links;
  if (!change.removed.empty()) --change.node->links;
  apply(change, names_);
  let_go(*change.node);
  if (before) let_go(*before);
  if (!options_.power_cuts) return;
  changes_.push_back(std::move(change));
  if (changes_.size() < kNamesWaiting) return;
  const auto half = changes_.begin() + kNamesWaiting / 2;
  std::for_each(changes_.begin(), half, [this](const NameChange& old) { apply(old, durable_); });
  changes_.erase(changes_.begin(), half);
}

// ---- Bytes ----

// False: there is no room for a file of so many bytes.
bool SimDisk::charge(Node& node, std::uint64_t bytes) {
  const std::uint64_t others = used_ - node.charged;
  if (bytes > node.charged && (others > faults_.bytes_max || bytes > faults_.bytes_max - others)) {
    return false;
  }
  used_ = others + bytes;
  node.charged = bytes;
  return true;
}

// A file that nobody can reach takes no room any more. (The platters may have it yet.)
void SimDisk::let_go(Node& node) {
  if (node.links > 0 || node.opens > 0) return;
  used_ -= std::exchange(node.charged, 0);
  node.live = Bytes();
  node.shared.reset();
}

Status SimDisk::write(Node& node, std::uint64_t offset, ByteView from) {
  const std::uint64_t size = std::max<std::uint64_t>(node.content().size(), offset + from.size());
  const bool fits = charge(node, std::max(size, node.reserved));
  if (!fits) {
    const std::uint64_t others = used_ - node.charged;
    const std::uint64_t room =
        std::max(node.charged, faults_.bytes_max - std::min(others, faults_.bytes_max));
    from = from.first(std::min<std::uint64_t>(from.size(), room > offset ? room - offset : 0));
    failed_ = true;
    static_cast<void>(charge(node, std::max({node.charged, node.reserved, offset + from.size()})));
  }
  if (!from.empty()) {
    node.own();
    put(node.live, offset, from);
    if (options_.power_cuts) node.note({offset, copy(from), false});
  }
  node.modified = ++clock_;
  return fits ? Status() : Error{ErrorCode::disk_full, "no space left on the device"};
}

void SimDisk::resize(Node& node, std::uint64_t size) {
  node.own();
  node.live.resize(size);
  if (options_.power_cuts) node.note({size, {}, true});
  node.modified = ++clock_;
}

std::shared_ptr<const Bytes> SharedContents::share(std::shared_ptr<const Bytes> content) {
  const Checksum sum = checksum(*content);
  const std::lock_guard lock(mutex_);
  std::weak_ptr<const Bytes>& known = known_[sum];
  const auto there = known.lock();
  if (there && *there == *content) return there;
  known = content;
  if (known_.size() > kSharedMost) {
    std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
  }
  return content;
}

// ---- Disk ----

Result<File> SimDisk::open(const fs::path& path, bool to_write, int mode) {
  const std::lock_guard lock(mutex_);
  const Turn turn = begin(path, {});
  if (!turn.done) return turn.heard.error();
  auto node = find(path);
  if (!node && to_write) {
    FED_TRY(check_new(path));
    node = add_node(path, false, static_cast<unsigned>(mode));
  }
  if (!node) return error_of("open", path, ENOENT);
  if (to_write && (*node)->folder) return error_of("open", path, EISDIR);
  if (!turn.heard) return turn.heard.error();
  return File(std::make_unique<Handle>(*this, *node, path, to_write));
}

Result<File> SimDisk::open_to_read(const fs::path& path) { return open(path, false, 0); }

Result<File> SimDisk::open_to_write(const fs::path& path, int mode) {
  return open(path, true, mode);
}

Result<FileInfo> SimDisk::inspect(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  const Turn turn = begin(path, {});
  if (!turn.heard) return turn.heard.error();
  FED_ASSIGN(node, find(path));
  return Handle::info_of(*node);
}

Result<std::vector<fs::path>> SimDisk::list(const fs::path& folder) {
  const std::lock_guard lock(mutex_);
  const Turn turn = begin(folder, {});
  if (!turn.heard) return turn.heard.error();
  std::vector<fs::path> found;
  const auto node = find(folder);
  if (!node) return found;
  if (!(*node)->folder) return error_of("list", folder, ENOTDIR);
  const std::string prefix = (folder / "").native();
  for (auto at = names_.upper_bound(prefix); at != names_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    if (at->first.find('/', prefix.size()) == std::string::npos) found.emplace_back(at->first);
  }
  std::sort(found.begin(), found.end());
  return found;
}

Status SimDisk::make_folder(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  const Turn turn = begin(path, {});
  if (!turn.done) return turn.heard;
  const Status may = check_new(path);
  if (may) {
    add_node(path, true, 0700);
  } else if (may.error().code != ErrorCode::already_exists) {
    return may;
  }
  return turn.heard;
}

Status SimDisk::link(const fs::path& from, const fs::path& to) {
  const std::lock_guard lock(mutex_);
  const Turn turn = begin(from, {});
  if (!turn.done) return turn.heard;
  FED_ASSIGN(node, find(from));
  FED_TRY(check_new(to));
  change_names({{}, to.native(), node});
  return turn.heard;
}

Status SimDisk::rename(const fs::path& from, const fs::path& to) {
  const std::lock_guard lock(mutex_);
  const Turn turn = begin(from, {});
  if (!turn.done) return turn.heard;
  FED_ASSIGN(node, find(from));
  if (node->folder) return Error{ErrorCode::unsupported, from.string() + " is a folder"};
  const Status may = check_new(to);
  if (!may && may.error().code != ErrorCode::already_exists) return may;
  if (!may && names_.at(to.native())->folder) return error_of("rename", from, EISDIR);
  if (from != to) change_names({from.native(), to.native(), node});
  return turn.heard;
}

Status SimDisk::remove(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  const Turn turn = begin(path, {});
  if (!turn.done) return turn.heard;
  const auto node = find(path);
  if (!node) return turn.heard;
  const auto after = names_.upper_bound((path / "").native());
  const bool holds = after != names_.end() && after->first.starts_with((path / "").native());
  if ((*node)->folder && holds) return error_of("remove", path, ENOTEMPTY);
  change_names({path.native(), {}, *node});
  return turn.heard;
}

Status SimDisk::touch(const fs::path& path) {
  const std::lock_guard lock(mutex_);
  const Turn turn = begin(path, {});
  if (!turn.done) return turn.heard;
  FED_ASSIGN(node, find(path));
  node->modified = ++clock_;
  return turn.heard;
}

Status SimDisk::sync_folder(const fs::path& folder) {
  const std::lock_guard lock(mutex_);
  const Turn turn = begin(folder, options_.speed.sync);
  if (!turn.done) return turn.heard;
  FED_TRY(find(folder));
  if (!sync_counts()) return turn.heard;
  const auto concerns = [&](const NameChange& change) {
    return fs::path(change.removed).parent_path() == folder ||
           fs::path(change.added).parent_path() == folder;
  };
  std::erase_if(changes_, [&](const NameChange& change) {
    if (!concerns(change)) return false;
    apply(change, durable_);
    return true;
  });
  return turn.heard;
}

Result<std::uint64_t> SimDisk::bytes_free(const fs::path& folder) {
  const std::lock_guard lock(mutex_);
  const Turn turn = begin(folder, {});
  if (!turn.heard) return turn.heard.error();
  FED_TRY(find(folder));
  return std::min(kBytesUnlimited, faults_.bytes_max - std::min(used_, faults_.bytes_max));
}

}  // namespace fed::sim
