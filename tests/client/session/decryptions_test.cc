// A key holder decrypts one sum of a round, and of no earlier one any more, whatever happens to it.
#include "session/decryptions.h"

#include <catch2/catch.hpp>

#include "state_disk.h"

namespace fed::session {
namespace {

const fs::path kFile = "/state/decrypted";

struct Holder : test::StateDisk {
  Decryptions decryptions() { return Decryptions::open(disk, kFile).value(); }
};

crypto::Hash hash(std::uint8_t value) {
  crypto::Hash made{};
  made.fill(value);
  return made;
}

TEST_CASE("decryptions: one sum of a round, and rounds only onwards, also after a power cut") {
  Holder holder;
  {
    Decryptions decryptions = holder.decryptions();
    decryptions.enter("job", 3, 0, hash(1)).value();
    decryptions.enter("job", 3, 80, hash(2)).value();
    decryptions.enter("other", 9, 0, hash(3)).value();
  }
  holder.cut_power();
  Decryptions decryptions = holder.decryptions();
  CHECK(decryptions.enter("job", 3, 0, hash(1)).has_value());  // the same again
  CHECK(decryptions.enter("job", 3, 0, hash(9)).error().code == ErrorCode::already_exists);
  CHECK(decryptions.enter("job", 3, 80, hash(1)).error().code == ErrorCode::already_exists);
  CHECK(decryptions.enter("job", 2, 0, hash(1)).error().code == ErrorCode::already_exists);
  CHECK(decryptions.enter("job", 3, 160, hash(4)).has_value());
  CHECK(decryptions.enter("job", 10, 0, hash(5)).has_value());  // by number, not by letter
  CHECK(decryptions.enter("job", 3, 0, hash(1)).error().code == ErrorCode::already_exists);
  CHECK(holder.text(kFile) ==
        "job 10 0 " + to_hex(hash(5)) + "\nother 9 0 " + to_hex(hash(3)) + "\n");
}

TEST_CASE("decryptions: what cannot be written is not entered") {
  Holder holder;
  Decryptions decryptions = holder.decryptions();
  decryptions.enter("job", 1, 0, hash(1)).value();
  holder.fill_up();
  CHECK(decryptions.enter("job", 2, 0, hash(2)).error().code == ErrorCode::disk_full);
  CHECK(decryptions.enter("job", 1, 0, hash(1)).has_value());  // it is on record
  holder.disk.set_faults({});
  CHECK(decryptions.enter("job", 2, 0, hash(3)).has_value());  // the other one was not
}

TEST_CASE("decryptions: of so many jobs and no more, and the old ones go on") {
  Holder holder;
  std::string text;
  for (std::size_t i = 1; i < kDecryptionJobsMax; ++i) {
    text += "job-" + std::to_string(i) + " 1 0 " + to_hex(hash(1)) + "\n";
  }
  holder.write(kFile, text);
  Decryptions decryptions = holder.decryptions();
  CHECK(decryptions.enter("last", 1, 0, hash(1)).has_value());
  const auto refused = decryptions.enter("one more", 1, 0, hash(1));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::too_large);
  CHECK_THAT(refused.error().detail,
             Catch::Contains("of 1000 jobs") &&
                 Catch::Contains("remove the lines of jobs that have ended") &&
                 Catch::Contains(kFile.string()));
  CHECK(decryptions.enter("last", 2, 0, hash(2)).has_value());
  CHECK(decryptions.enter("job-7", 2, 0, hash(2)).has_value());
}

TEST_CASE("decryptions: a damaged record opens nothing") {
  Holder holder;
  const std::string good = "job 3 0 " + to_hex(hash(1));
  for (const std::string& bad :
       {std::string("nonsense\n"), good, good + "\n" + good + "\n", std::string("job 3 0 abc\n"),
        "job x 0 " + to_hex(hash(1)) + "\n", good + "\njob 4 80 " + to_hex(hash(1)) + "\n"}) {
    holder.write(kFile, bad);
    CHECK(Decryptions::open(holder.disk, kFile).error().code == ErrorCode::malformed);
  }
  holder.write(kFile, good + "\n");
  CHECK(Decryptions::open(holder.disk, kFile).has_value());
}

}  // namespace
}  // namespace fed::session
