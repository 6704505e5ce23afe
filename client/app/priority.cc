#include "app/priority.h"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "base/log.h"

namespace fed::app {
namespace {

// On Linux a nice level belongs to a thread (sched(7)); BLAS has started its own before main().
void yield(id_t thread, int level) {
  errno = 0;
  const int present = ::getpriority(PRIO_PROCESS, thread);
  if (errno == 0 && present >= level) return;
  if (::setpriority(PRIO_PROCESS, thread, level) != 0) {
    log::warning("the nice level cannot be set: {}", std::strerror(errno));
  }
}

}  // namespace

void yield_to_others(int level) {
  if (level <= 0) return;
  std::error_code error;
  for (const auto& task : fs::directory_iterator("/proc/self/task", error)) {
    yield(static_cast<id_t>(std::stoul(task.path().filename().string())), level);
  }
  if (error) yield(0, level);
}

}  // namespace fed::app
