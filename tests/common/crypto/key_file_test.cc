#include "crypto/key_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "crypto/random.h"

namespace fed::crypto {
namespace {

// A fresh folder, removed at the end.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("fed_key_test_" + to_hex(random_array<8>()));
  Folder() { REQUIRE(make_folder(path)); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
};

fs::path write(const Folder& folder, std::string_view content, mode_t mode) {
  const fs::path path = folder.path / "key";
  REQUIRE(remove_file(path));
  REQUIRE(replace_file(path, view(content), Durability::process));
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  return path;
}

const std::string kDigits(64, 'a');

TEST_CASE("a created key file is private, holds the key, and is never overwritten") {
  const Folder folder;
  const fs::path path = folder.path / "server.key";
  const SecretKey key = SecretKey::random();
  REQUIRE(create_key_file(fed::real_disk(), path, key));

  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK(text(read_file(path, 100).value()) == to_hex(key.view()) + "\n");
  CHECK(constant_time_equal(load_key_file(fed::real_disk(), path)->view(), key.view()));

  const auto again = create_key_file(fed::real_disk(), path, SecretKey::random());
  CHECK(again.error().code == ErrorCode::already_exists);
  CHECK(constant_time_equal(load_key_file(fed::real_disk(), path)->view(), key.view()));
  CHECK(folder.files() == 1);  // nothing temporary is left
}

TEST_CASE("load_or_create creates once and then returns the same key") {
  const Folder folder;
  const fs::path path = folder.path / "client.key";
  const SecretKey first = load_or_create_key_file(fed::real_disk(), path).value();
  const SecretKey second = load_or_create_key_file(fed::real_disk(), path).value();
  CHECK(constant_time_equal(first.view(), second.view()));
  CHECK(load_key_file(fed::real_disk(), folder.path / "other").error().code ==
        ErrorCode::not_found);
  CHECK_FALSE(
      load_or_create_key_file(fed::real_disk(), folder.path / "no folder" / "key").has_value());
}

TEST_CASE("a file that others may touch is refused with the chmod that helps") {
  const Folder folder;
  for (mode_t mode :
       std::initializer_list<mode_t>{0640, 0604, 0644, 0660, 0620, 0610, 0602, 0601, 0444}) {
    const fs::path path = write(folder, kDigits, mode);
    const auto refused = load_key_file(fed::real_disk(), path);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::invalid);
    CHECK_THAT(refused.error().detail, Catch::Contains("chmod 600 " + path.string()));
    CHECK_FALSE(load_or_create_key_file(fed::real_disk(), path).has_value());
  }
  CHECK_THAT(load_key_file(fed::real_disk(), write(folder, kDigits, 0644)).error().detail,
             Catch::Contains("0644"));
  CHECK(load_key_file(fed::real_disk(), write(folder, kDigits, 0600)).has_value());
  CHECK(load_key_file(fed::real_disk(), write(folder, kDigits, 0400)).has_value());
}

TEST_CASE("a credential of the service manager may show a group's read bit, and no other") {
  const Folder folder;
  const auto load = [&](mode_t mode) {
    return load_key_file(fed::real_disk(), write(folder, kDigits, mode), KeyFileAccess::credential)
        .has_value();
  };
  CHECK(load(0400));
  CHECK(load(0440));
  CHECK_FALSE(load(0460));
  CHECK_FALSE(load(0450));
  CHECK_FALSE(load(0444));
}

TEST_CASE("only one line of 64 hexadecimal digits is a key") {
  const Folder folder;
  const auto load = [&](const std::string& content) {
    return load_key_file(fed::real_disk(), write(folder, content, 0600));
  };
  for (const char* ending : {"", "\n", "\r\n"}) {
    const auto key = load(kDigits + ending);
    REQUIRE(key.has_value());
    CHECK(to_hex(key->view()) == kDigits);
  }
  const std::string bad[] = {"",
                             "\n",
                             kDigits.substr(1),
                             kDigits.substr(2),
                             kDigits + "a",
                             kDigits + "aa",
                             kDigits + "\n\n",
                             kDigits + " ",
                             kDigits.substr(1) + "g",
                             kDigits + "\n" + kDigits,
                             std::string(100000, 'a')};
  for (const std::string& content : bad) {
    const auto refused = load(content);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::malformed);
    CHECK_THAT(refused.error().detail, Catch::Contains("64 hexadecimal digits"));
  }
  CHECK(load_key_file(fed::real_disk(), folder.path).error().code ==
        ErrorCode::invalid);  // a folder
}

TEST_CASE("a pipe is refused without waiting for a writer") {
  const Folder folder;
  const fs::path path = folder.path / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(load_key_file(fed::real_disk(), path).error().code == ErrorCode::invalid);
}

}  // namespace
}  // namespace fed::crypto
