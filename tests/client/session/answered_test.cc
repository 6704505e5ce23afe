// Which attempts this client has answered: an older one is never new again.
#include "session/answered.h"

#include <catch2/catch.hpp>

#include "state_disk.h"

namespace fed::session {
namespace {

const fs::path kFile = "/state/secure.answered";

bool nobody(std::int64_t) { return false; }

struct Site : test::StateDisk {
  Answered answered() { return Answered::open(disk, kFile).value(); }
};

TEST_CASE("answered: only what comes later is new, also after a power cut") {
  Site site;
  {
    Answered answered = site.answered();
    CHECK(answered.is_new("job", 0, 1));
    answered.remember("job", 5, 2).value();
    answered.remember("other", 1, 1).value();
  }
  site.cut_power();
  Answered answered = site.answered();
  CHECK_FALSE(answered.is_new("job", 5, 2));
  CHECK_FALSE(answered.is_new("job", 5, 1));
  CHECK_FALSE(answered.is_new("job", 4, 9));
  CHECK(answered.is_new("job", 5, 3));
  CHECK(answered.is_new("job", 6, 1));
  CHECK(answered.is_new("job", 10, 1));  // by number, not by letter
  CHECK(answered.is_new("third", 0, 0));
  CHECK_FALSE(answered.is_new("other", 1, 1));
  CHECK(answered.remember("job", 5, 2).error().code == ErrorCode::already_exists);
  CHECK(answered.remember("job", 4, 3).error().code == ErrorCode::already_exists);
  answered.remember("job", 5, 3).value();
  CHECK(site.text(kFile) == "job 5 3\nother 1 1\n");
}

TEST_CASE("answered: the largest numbers there are") {
  Site site;
  const auto most = std::numeric_limits<std::uint64_t>::max();
  site.answered().remember("job", most, most).value();
  CHECK_FALSE(site.answered().is_new("job", most, most));
  CHECK(site.answered().is_new("other", most, most));
}

TEST_CASE("answered: what the disk does not take is not remembered") {
  Site site;
  Answered answered = site.answered();
  answered.remember("job", 1, 1).value();
  const auto before = site.disk.operations();
  answered.remember("job", 1, 2).value();
  const auto operations = site.disk.operations() - before;
  for (std::uint64_t next = 1; next <= operations; ++next) {
    site.fail_operation(next);
    CHECK_FALSE(answered.remember("job", 1, 3));
    CHECK(answered.is_new("job", 1, 3));
  }
  site.fill_up();
  CHECK(answered.remember("a-new-and-longer-job", 1, 3).error().code == ErrorCode::disk_full);
  site.disk.set_faults({});
  CHECK_FALSE(site.answered().is_new("job", 1, 2));
  CHECK(site.answered().is_new("a-new-and-longer-job", 1, 3));
}

TEST_CASE("answered: an update whose shares were revealed is known, also after a power cut") {
  Site site;
  const Checksum first{1, 2, 3}, second{4};
  Answered answered = site.answered();
  answered.remember("job", 5, 1).value();
  CHECK_FALSE(answered.is_revealed("job", 5, first));
  answered.remember_reveal("job", 5, first, nobody).value();
  CHECK(answered.is_revealed("job", 5, first));
  site.fill_up();
  CHECK(answered.remember_reveal("job", 5, second, nobody).error().code == ErrorCode::disk_full);
  CHECK_FALSE(answered.is_revealed("job", 5, second));
  site.disk.set_faults({});
  CHECK(site.answered().is_revealed("job", 5, first));
  CHECK_FALSE(site.answered().is_revealed("other", 5, first));
  CHECK_FALSE(site.answered().is_revealed("job", 6, first));  // the same bytes, of another task
  // What it has answered and what it has revealed do not disturb each other.
  answered.remember("job", 6, 2).value();
  CHECK(site.answered().is_revealed("job", 5, first));
  answered.remember_reveal("job", 5, second, nobody).value();
  CHECK(site.answered().is_revealed("job", 5, second));
  CHECK(site.answered().is_revealed("job", 5, first));
  CHECK_FALSE(site.answered().is_new("job", 6, 2));
}

TEST_CASE(
    "answered: all that was revealed is known while it may be there, and statistics for ever") {
  Site site;
  const Checksum update{1};
  Answered answered = site.answered();
  answered.remember("job", 1, 1).value();
  answered.remember_reveal("job", 0, update, nobody).value();
  for (std::int64_t task = 4; task <= 7; ++task) {
    answered.remember_reveal("job", task, update, [](std::int64_t t) { return t != 5; }).value();
  }
  for (const std::int64_t task : {0, 4, 6, 7}) {
    CHECK(site.answered().is_revealed("job", task, update));
  }
  CHECK_FALSE(site.answered().is_revealed("job", 5, update));
}

TEST_CASE("answered: a damaged file is refused, and never read as less") {
  Site site;
  for (const std::string text :
       {"", "job 5 1", "job 5\n", "job five 1\n", "job 5 -1\n", "job 5 1 1\n", "job 5 1 1 abc\n",
        "job 5 1 1 0123456789abcdef0123456789abcdef 2\n", "job 5 1x\n", "\n", "job 5 1\njob 6 1\n",
        "job 99999999999999999999 1\n", "a 1 1\n\x01\n"}) {
    CAPTURE(text);
    site.write(kFile, text);
    const auto opened = Answered::open(site.disk, kFile);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().code == ErrorCode::malformed);
    CHECK_THAT(opened.error().detail, Catch::Contains("/state/secure.answered, line "));
  }
  site.write(kFile, "job 5 12\n");
  const auto before = site.disk.operations();
  static_cast<void>(site.answered());
  const auto operations = site.disk.operations() - before;
  for (std::uint64_t next = 1; next <= operations; ++next) {
    site.fail_operation(next);
    CHECK_FALSE(Answered::open(site.disk, kFile).has_value());
  }
}

TEST_CASE("answered: there is room for so many jobs, and those go on") {
  Site site;
  std::string text;
  for (std::size_t i = 0; i < kAnsweredJobsMax; ++i) text += "job" + std::to_string(i) + " 1 1\n";
  site.write(kFile, text);
  Answered answered = site.answered();
  CHECK(answered.remember("one-more", 1, 1).error().code == ErrorCode::too_large);
  answered.remember("job0", 1, 2).value();
  CHECK_FALSE(site.answered().is_new("job0", 1, 2));
}

TEST_CASE("answered: a name that is not one word is refused") {
  Site site;
  Answered answered = site.answered();
  for (const std::string name : {"", "a b", "a\nb", " a"}) {
    CHECK(answered.remember(name, 1, 1).error().code == ErrorCode::invalid);
  }
  CHECK_FALSE(site.disk.inspect(kFile).has_value());
}

}  // namespace
}  // namespace fed::session
