// The simulated disk does what the system's does, and each rule by which it fails is shown.
#include "sim/sim_disk.h"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <optional>
#include <set>

namespace fed::sim {
namespace {

constexpr auto kPower = Durability::power;

// A folder on one disk or the other.
class Place {
 public:
  explicit Place(bool real) {
    if (real) {
      std::string name = (fs::temp_directory_path() / "disk-XXXXXX").string();
      root = ::mkdtemp(name.data());
    } else {
      simulated_.emplace(SimDiskOptions{.seed = 1});
      root = "/state";
      simulated_->make_folder(root).value();
    }
  }
  ~Place() {
    if (!simulated_) fs::remove_all(root);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  Disk& disk() { return simulated_ ? static_cast<Disk&>(*simulated_) : real_disk(); }

  fs::path root;

 private:
  std::optional<SimDisk> simulated_;
};

std::string content(Disk& disk, const fs::path& path) {
  const auto found = read_file(disk, path, 1 << 24);
  return found ? std::string(text(*found)) : "(" + std::string(name(found.error().code)) + ")";
}

void write(Disk& disk, const fs::path& path, std::string_view text, bool sync = false) {
  const File file = disk.open_to_write(path, 0600).value();
  file.truncate(0).value();
  file.write_at(0, view(text)).value();
  if (sync) file.sync(kPower).value();
}

std::string pages(char letter, std::size_t count) { return std::string(count * 4096, letter); }

}  // namespace

TEST_CASE("disks: names are made, listed, linked, renamed and removed alike") {
  Place place(GENERATE(true, false));
  Disk& disk = place.disk();
  const fs::path at = place.root;
  make_folder(disk, at / "a/b/c", kPower).value();
  make_folder(disk, at / "a/b/c", kPower).value();
  CHECK(disk.inspect(at / "a/b")->kind == FileInfo::Kind::folder);
  CHECK(disk.list(at / "none")->empty());
  CHECK(disk.inspect(at / "none").error().code == ErrorCode::not_found);
  CHECK(disk.open_to_read(at / "none").error().code == ErrorCode::not_found);
  CHECK(disk.open_to_write(at / "none/x", 0600).error().code == ErrorCode::not_found);
  CHECK(disk.make_folder(at / "none/x").error().code == ErrorCode::not_found);

  write(disk, at / "a/two", "2");
  write(disk, at / "a/b.x", "1");
  CHECK(disk.list(at / "a").value() ==
        std::vector<fs::path>{at / "a/b", at / "a/b.x", at / "a/two"});
  CHECK(disk.list(at / "a/two").has_error());
  CHECK(disk.make_folder(at / "a/two/x").has_error());

  disk.link(at / "a/two", at / "a/also").value();
  CHECK(disk.link(at / "a/two", at / "a/also").error().code == ErrorCode::already_exists);
  disk.rename(at / "a/two", at / "a/b.x").value();
  CHECK(content(disk, at / "a/b.x") == "2");
  CHECK(content(disk, at / "a/two") == "(not_found)");
  CHECK(disk.rename(at / "a/two", at / "a/b.x").error().code == ErrorCode::not_found);
  CHECK(disk.rename(at / "a/also", at / "a/b").has_error());
  CHECK(disk.remove(at / "a").has_error());  // holds something
  disk.remove(at / "a/b/c").value();
  disk.remove(at / "a/b/c").value();
  remove_folder(disk, at / "a").value();
  remove_folder(disk, at / "a").value();
  CHECK(disk.list(at)->empty());
}

TEST_CASE("disks: bytes are written, cut, read and locked alike") {
  Place place(GENERATE(true, false));
  Disk& disk = place.disk();
  const fs::path at = place.root / "file";
  File file = disk.open_to_write(at, 0600).value();
  file.write_at(3, view("abc")).value();
  CHECK(content(disk, at) == std::string("\0\0\0abc", 6));
  CHECK(file.inspect()->mode == 0600);
  CHECK(file.inspect()->kind == FileInfo::Kind::file);
  Bytes into(4);
  CHECK(file.read_at(3, into).error().code == ErrorCode::malformed);
  file.reserve(10000).value();
  CHECK(file.size().value() == 6);
  file.truncate(4).value();
  file.write_at(4, view("z")).value();
  file.truncate(6).value();
  CHECK(content(disk, at) == std::string("\0\0\0az\0", 6));
  CHECK(disk.open_to_read(at)->write_at(0, view("x")).has_error());

  CHECK(file.lock().value());
  CHECK(file.lock().value());
  CHECK_FALSE(disk.open_to_write(at, 0600)->lock().value());
  file.close();
  CHECK(disk.open_to_write(at, 0600)->lock().value());

  // A file without a name is there for those who have it open.
  const File open = disk.open_to_read(at).value();
  disk.remove(at).value();
  CHECK(content(disk, at) == "(not_found)");
  CHECK(open.size().value() == 6);
}

TEST_CASE("disks: a file that is touched is the newest") {
  Place place(GENERATE(true, false));
  Disk& disk = place.disk();
  const auto age = [&](const char* name) { return disk.inspect(place.root / name)->modified; };
  write(disk, place.root / "one", "1");
  write(disk, place.root / "two", "2");
  disk.touch(place.root / "one").value();
  CHECK(age("one") > age("two"));
  CHECK(disk.touch(place.root / "none").error().code == ErrorCode::not_found);
}

TEST_CASE(
    "power cut: what was synced, bytes and name, is there and the death of a process keeps all") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk({.seed = seed});
    write(disk, "/kept", pages('k', 3), true);
    disk.sync_folder("/").value();
    write(disk, "/unsynced", pages('u', 3));
    disk.restart(Crash::process);
    CHECK(content(disk, "/kept") == pages('k', 3));
    CHECK(content(disk, "/unsynced") == pages('u', 3));
    disk.restart(Crash::power);
    CHECK(content(disk, "/kept") == pages('k', 3));
  }
}

TEST_CASE("power cut: names without a sync of their folder come or not, each by itself") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SimDisk disk({.seed = seed});
    write(disk, "/a", "", true);
    write(disk, "/b", "", true);
    disk.restart(Crash::power);
    seen.insert(content(disk, "/a") + content(disk, "/b"));
  }
  CHECK(seen == std::set<std::string>{"", "(not_found)", "(not_found)(not_found)"});
}

TEST_CASE(
    "power cut: a rename is whole and a file replaced by one that was not synced may be torn") {
  std::set<std::string> safe, careless;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    for (const bool sync : {true, false}) {
      SimDisk disk({.seed = seed});
      write(disk, "/file", "old", true);
      disk.sync_folder("/").value();
      write(disk, "/file.tmp", "new", sync);
      disk.rename("/file.tmp", "/file").value();
      disk.restart(Crash::power);
      (sync ? safe : careless).insert(content(disk, "/file"));
    }
  }
  CHECK(safe == std::set<std::string>{"old", "new"});
  CHECK(careless == std::set<std::string>{"", "old", "new"});
}

TEST_CASE("power cut: pages come or not, out of order, torn at sectors, with holes") {
  bool later_without_earlier = false, torn = false, hole = false, shrunk = false;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SimDisk disk({.seed = seed});
    write(disk, "/file", pages('a', 3), true);
    disk.sync_folder("/").value();
    const File file = disk.open_to_write("/file", 0600).value();
    for (std::uint64_t page = 0; page < 5; ++page) {
      file.write_at(page * 4096, view(pages('b', 1))).value();
    }
    disk.restart(Crash::power);
    const std::string after = content(disk, "/file");
    CHECK(after.size() >= 3 * 4096);
    for (std::size_t at = 0; at < after.size(); at += 512) {  // a sector is never torn
      CHECK(after.substr(at, 512) == std::string(512, after[at]));
    }
    later_without_earlier |= after[0] == 'a' && after[2 * 4096] == 'b';
    torn |= after[0] == 'b' && after[4095] == 'a';
    hole |= after.size() > 4 * 4096 && after[3 * 4096] == '\0';
    shrunk |= after.size() == 3 * 4096;
  }
  CHECK(later_without_earlier);
  CHECK(torn);
  CHECK(hole);
  CHECK(shrunk);
}

TEST_CASE("power cut: what lies in a folder goes with the folder's name") {
  bool lost = false, kept = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk({.seed = seed});
    disk.make_folder("/a").value();
    write(disk, "/a/file", "x", true);
    disk.sync_folder("/a").value();  // not "/"
    disk.restart(Crash::power);
    (content(disk, "/a/file") == "x" ? kept : lost) = true;
    CHECK(disk.inspect("/a").has_value() == disk.inspect("/a/file").has_value());
  }
  CHECK(lost);
  CHECK(kept);
}

TEST_CASE("power cut: a removal may be undone") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk disk({.seed = seed});
    write(disk, "/file", "x", true);
    disk.sync_folder("/").value();
    disk.remove("/file").value();
    disk.restart(Crash::power);
    seen.insert(content(disk, "/file"));
  }
  CHECK(seen == std::set<std::string>{"x", "(not_found)"});
}

TEST_CASE("an operation fails where it is told to and a failed sync loses its bytes for good") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SimDisk disk({.seed = seed});
    const File file = disk.open_to_write("/file", 0600).value();
    disk.sync_folder("/").value();
    file.write_at(0, view("abc")).value();
    disk.set_faults({.fail_at = {disk.operations() + 1}});
    CHECK(file.sync(kPower).error().code == ErrorCode::io);
    file.sync(kPower).value();  // nothing to do, it thinks
    CHECK(content(disk, "/file") == "abc");
    disk.restart(Crash::power);
    CHECK(content(disk, "/file").empty());
  }
}

TEST_CASE("a full disk takes what it has room for, tells so, and goes on when there is room") {
  SimDisk disk({.seed = 1});
  disk.set_faults({.bytes_max = 10000});
  CHECK(disk.bytes_free("/").value() == 10000);
  const File file = disk.open_to_write("/file", 0600).value();
  file.write_at(0, view(pages('a', 2))).value();
  CHECK(disk.bytes_used() == 8192);
  CHECK(file.write_at(8192, view(pages('b', 1))).error().code == ErrorCode::disk_full);
  CHECK(file.size().value() == 10000);
  file.write_at(0, view(pages('c', 2))).value();  // over what is there
  CHECK(file.truncate(10001).error().code == ErrorCode::disk_full);
  file.truncate(100).value();
  const File other = disk.open_to_write("/other", 0600).value();
  other.reserve(9900).value();
  CHECK(disk.bytes_free("/").value() == 0);
  CHECK(file.write_at(100, view("x")).error().code == ErrorCode::disk_full);
  other.write_at(0, view(pages('o', 2))).value();
  CHECK(other.reserve(9901).error().code == ErrorCode::disk_full);
  disk.remove("/file").value();  // open yet
  CHECK(disk.bytes_free("/").value() == 0);
  disk.set_faults({});
  file.write_at(100, view("x")).value();
}

TEST_CASE("a file without name and readers gives its room back") {
  SimDisk disk({.seed = 1});
  write(disk, "/one", pages('a', 1), true);
  write(disk, "/two", pages('b', 1), true);
  {
    const File open = disk.open_to_read("/one").value();
    disk.rename("/two", "/one").value();
    CHECK(disk.bytes_used() == 8192);
  }
  CHECK(disk.bytes_used() == 4096);
  std::optional<File> open = disk.open_to_read("/one").value();
  disk.remove("/one").value();
  disk.restart(Crash::process);
  CHECK(disk.bytes_used() == 0);
  open.reset();
  CHECK(disk.bytes_used() == 0);
}

TEST_CASE("a machine that stops in an operation is not heard of again until it is restarted") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SimDisk disk({.seed = seed});
    const File file = disk.open_to_write("/file", 0600).value();
    file.write_at(0, view("old")).value();
    CHECK(file.lock().value());
    int stops = 0;
    disk.on_stop = [&] { ++stops; };
    disk.set_faults({.crash_at = disk.operations() + 1});
    CHECK(file.write_at(0, view("new")).has_error());
    CHECK(disk.stopped());
    CHECK(file.size().has_error());
    CHECK(disk.inspect("/file").has_error());
    CHECK(disk.remove("/file").has_error());
    CHECK(stops == 1);
    disk.restart(Crash::process);
    CHECK(file.size().has_error());  // of another life
    CHECK(disk.open_to_write("/file", 0600)->lock().value());
    seen.insert(content(disk, "/file"));
  }
  CHECK(seen == std::set<std::string>{"old", "nld", "ned", "new"});
}

TEST_CASE("operations take the time that the disk is slow by") {
  SimDisk disk({.seed = 1,
                .speed = {.operation = std::chrono::milliseconds(1),
                          .sync = std::chrono::milliseconds(10),
                          .bytes_per_s = 1e6}});
  write(disk, "/file", std::string(1000, 'x'), true);  // open, truncate, write, sync
  CHECK(disk.take_time() == std::chrono::milliseconds(4 + 1 + 10 + 1));
  CHECK(disk.take_time() == Duration());
  disk.set_faults({.freeze_at = disk.operations() + 1, .freeze = std::chrono::seconds(30)});
  CHECK(disk.inspect("/file").has_value());
  CHECK(disk.take_time() == std::chrono::milliseconds(30001));
}

TEST_CASE("the same seed loses the same, whatever names and bytes there are") {
  const auto life = [](std::uint64_t seed, const std::string& name, char letter) {
    SimDisk disk({.seed = seed});
    std::string left;
    for (int i = 0; i < 4; ++i) write(disk, "/" + name + std::to_string(i), pages(letter, 2));
    write(disk, "/unnamed-" + name, pages(letter, 4), true);
    disk.restart(Crash::power);
    for (const fs::path& path : disk.list("/").value()) {
      left += path.native().back() + std::to_string(content(disk, path).size()) + " ";
      left += content(disk, path).find(letter) == 0 ? "a " : "- ";
    }
    return left;
  };
  std::set<std::string> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CHECK(life(seed, "x", 'a') == life(seed, "x", 'a'));
    CHECK(life(seed, "key", 'q').size() == life(seed, "xey", 'q').size());
    different.insert(life(seed, "x", 'a'));
  }
  CHECK(different.size() > 5);
}

TEST_CASE("what waits for long is written back, so memory is bounded") {
  SimDisk disk({.seed = 3});
  for (int i = 0; i < 2000; ++i) {
    write(disk, "/file", "x");
    disk.remove("/file").value();
  }
  CHECK(disk.bytes_used() == 0);
  const File file = disk.open_to_write("/big", 0600).value();
  for (std::uint64_t i = 0; i < 64; ++i) {
    file.write_at(i << 18, view(std::string(1 << 18, 'x'))).value();
  }
  disk.sync_folder("/").value();
  disk.restart(Crash::power);
  CHECK(content(disk, "/big").size() > (8u << 20));
}

TEST_CASE("a folder is not made on a disk that cannot be read, and that is said") {
  SimDisk disk({.seed = 1});
  disk.stop();
  CHECK_FALSE(make_folder(disk, "/a/b/c", Durability::power));
  CHECK(disk.operations() < 10);
}

}  // namespace fed::sim
