#include "crypto/init.h"

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/error.h"

namespace fed::crypto {

void init() {
  // 1 means "already done", for example by another library in this process.
  static const bool ready = sodium_init() >= 0;
  FED_CHECK(ready);
}

bool forbid_dumps() {
  const bool hidden = ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
  // A sandbox may forbid setting limits, and has set this one then.
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0) return hidden;
  const rlimit none{0, 0};
  return ::setrlimit(RLIMIT_CORE, &none) == 0 && hidden;
}

}  // namespace fed::crypto
