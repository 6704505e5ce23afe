#include "crypto/init.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace fed::crypto;

namespace {

// What a child process does to itself: 0 if nobody gets at its memory afterwards.
int forbid() {
  if (!forbid_dumps()) return 2;
  if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 3;
  rlimit limit{1, 1};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0) return 4;
  if (limit.rlim_cur != 0 || limit.rlim_max != 0) return 5;
  return forbid_dumps() ? 0 : 6;  // once more is no fault
}

int status_of(int (*work)()) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(work());
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("a process whose dumps are forbidden is not dumped") {
  CHECK(status_of([] { return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }) == 1);  // before
  CHECK(status_of(forbid) == 0);
}
