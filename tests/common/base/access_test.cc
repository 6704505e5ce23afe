#include "base/access.h"

#include <catch2/catch.hpp>

#include "support/folder.h"

namespace fed {
namespace {

TEST_CASE("access: a folder that others can use is named with its mode and the chmod") {
  const test::Folder scratch;
  const fs::path folder = scratch.path() / "state";
  real_disk().make_folder(folder).value();
  CHECK_FALSE(open_to_others(real_disk(), folder));
  const auto told = [&](unsigned mode) {
    fs::permissions(folder, fs::perms(mode));
    return open_to_others(real_disk(), folder).value_or("");
  };
  const std::string chmod = ": run `chmod 700 " + folder.string() + "`";
  CHECK(told(0755) == "others can look into " + folder.string() + " (mode 0755)" + chmod);
  CHECK(told(0710) == "others can look into " + folder.string() + " (mode 0710)" + chmod);
  CHECK(told(0702) == "others can change " + folder.string() + " (mode 0702)" + chmod);
  CHECK(told(0700).empty());
  fs::remove(folder);
  CHECK_FALSE(open_to_others(real_disk(), folder));
}

}  // namespace
}  // namespace fed
