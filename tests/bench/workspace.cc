#include "workspace.h"

#include <signal.h>
#include <unistd.h>

#include <mutex>
#include <set>
#include <thread>

#include "base/disk.h"

namespace fed::bench {
namespace {

constexpr int kInterrupted = 130;

sigset_t interruptions() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// Other threads may still be writing there.
void remove_for_good(const fs::path& folder) {
  constexpr int kAttempts = 100;
  std::error_code error;
  for (int i = 0; i < kAttempts && fs::exists(folder, error); ++i) fs::remove_all(folder, error);
}

}  // namespace

struct Workspace::Shared {
  explicit Shared(fs::path path) : folder(std::move(path)) {}

  const fs::path folder;
  std::mutex mutex{};
  std::set<pid_t> children{};
};

Result<std::unique_ptr<Workspace>> Workspace::make(const fs::path& parent) {
  std::string name = (parent / "fedbench.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return from_errno(name, errno);
  return std::unique_ptr<Workspace>(new Workspace(name));
}

Workspace::Workspace(fs::path folder)
    : folder_(std::move(folder)), shared_(std::make_shared<Shared>(folder_)) {
  const sigset_t set = interruptions();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::thread([shared = shared_] { await_interruption(shared); }).detach();
}

Workspace::~Workspace() { remove_for_good(folder_); }

void Workspace::await_interruption(const std::shared_ptr<Shared>& shared) {
  const sigset_t set = interruptions();
  int signal = 0;
  while (::sigwait(&set, &signal) != 0) {
  }
  const std::lock_guard lock(shared->mutex);
  for (const pid_t child : shared->children) ::kill(child, SIGKILL);
  remove_for_good(shared->folder);
  ::_exit(kInterrupted);
}

fs::path Workspace::fresh(const std::string& name) const {
  const fs::path folder = folder_ / name;
  remove_for_good(folder);
  fs::create_directory(folder);
  return folder;
}

std::uint64_t Workspace::bytes_free() const {
  const auto free = real_disk().bytes_free(folder_);
  return free ? *free : 0;
}

void Workspace::adopt(pid_t child) {
  const std::lock_guard lock(shared_->mutex);
  shared_->children.insert(child);
}

void Workspace::release(pid_t child) {
  const std::lock_guard lock(shared_->mutex);
  shared_->children.erase(child);
}

}  // namespace fed::bench
