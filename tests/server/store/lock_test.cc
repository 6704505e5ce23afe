#include "store/lock.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "folder.h"

using fed::ErrorCode;
using fed::store::FolderLock;
using fed::store::testing::Folder;

TEST_CASE(
    "lock: the second holder is told the folder and the first one's process and then it is free "
    "again") {
  Folder folder;
  {
    const auto first = FolderLock::acquire(fed::real_disk(), folder.path());
    REQUIRE(first.has_value());
    const auto second = FolderLock::acquire(fed::real_disk(), folder.path());
    REQUIRE(second.has_error());
    CHECK(second.error().code == ErrorCode::already_exists);
    CHECK(second.error().detail.find("process " + std::to_string(::getpid()) + " ") == 0);
    CHECK(second.error().detail.find(folder.path().string()) != std::string::npos);
  }
  CHECK(FolderLock::acquire(fed::real_disk(), folder.path()).has_value());
}

TEST_CASE("lock: a holder that is killed leaves nothing behind") {
  Folder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FolderLock::acquire(fed::real_disk(), folder.path());
    const char byte = lock ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK(byte == 'y');
  const auto refused = FolderLock::acquire(fed::real_disk(), folder.path());
  CHECK(refused.error().detail.find("process " + std::to_string(child) + " ") == 0);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  CHECK(FolderLock::acquire(fed::real_disk(), folder.path()).has_value());
}

TEST_CASE("lock: a folder that is not there is an error") {
  Folder folder;
  CHECK(FolderLock::acquire(fed::real_disk(), folder / "missing").error().code ==
        ErrorCode::not_found);
}
