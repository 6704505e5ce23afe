// A disk that fails under the client's core: what was trained is not given up for a moment's error.
#include "core_bench.h"
#include "sim/sim_disk.h"

using namespace fed;
using namespace fed::app;
using fed::test::Site;

namespace {

constexpr std::uint64_t kSmall = 800, kLarge = 100'000;  // rides in its offer, and does not

struct SiteOnDisk {
  // Has trained, and has offered once.
  explicit SiteOnDisk(std::uint64_t bytes) {
    site.agrees();
    site.is_training(bytes);
    site.finishes_training();
    REQUIRE(offers() == 1);
  }
  void fail_operation(std::uint64_t next) {
    disk.set_faults({.fail_at = {disk.operations() + next}});
  }
  std::size_t offers() const { return site.lines.made.back()->all<wire::Offer>().size(); }

  sim::SimDisk disk{{.seed = 1}};
  Site site{disk};
};

}  // namespace

TEST_CASE("an offer whose update cannot be read now is made again half a minute later") {
  for (const std::uint64_t operation : {1U, 2U, 3U}) {  // opened, its header read, a chunk
    SiteOnDisk at(kSmall);
    at.site.says(wire::Retry{"job", 1, "no room", 5});
    at.fail_operation(operation);
    at.site.loop.pass(34);
    CHECK(at.offers() == 1);
    CHECK(at.site.kept() == 1);
    at.site.loop.pass(2);
    REQUIRE(at.offers() == 2);
    CHECK(at.site.lines.last().all<wire::Offer>()[1].body.size() == kSmall);
    CHECK(at.site.kept() == 1);
  }
}

TEST_CASE("an upload that cannot be read now is offered again half a minute later") {
  SiteOnDisk at(kLarge);
  at.fail_operation(1);
  at.site.says(wire::Admit{"job", 1, 5, 0});
  CHECK_FALSE(at.site.lines.last().uploading);
  at.site.loop.pass(29);
  CHECK(at.offers() == 1);
  CHECK(at.site.kept() == 1);
  at.site.loop.pass(2);
  REQUIRE(at.offers() == 2);
  at.site.says(wire::Admit{"job", 1, 6, 0});
  CHECK(at.site.lines.last().uploading);
}

TEST_CASE("an update that the disk has lost is given up and not offered again") {
  SiteOnDisk at(kLarge);
  at.disk.remove(at.site.spec.state_dir / "outbox" / "job.1.update").value();
  at.site.says(wire::Admit{"job", 1, 5, 0});
  at.site.loop.pass(100);
  CHECK(at.offers() == 1);
  CHECK(at.site.kept() == 0);
  CHECK_THAT(load_status(at.disk, at.site.spec.state_dir)->last_refusal.detail,
             Catch::Contains("job.1.update"));
}

TEST_CASE("an update that does not open on its way is given up, and does not end link after link") {
  SiteOnDisk at(kLarge);
  at.site.says(wire::Admit{"job", 1, 5, 0});
  const auto upload = std::get<net::ChunkUpload>(at.site.lines.last().sending);
  Bytes bytes(65496);
  REQUIRE(upload.file->read_at(0, bytes));
  const fs::path path = at.site.spec.state_dir / "outbox" / "job.1.update";
  const auto file = at.site.disk.open_to_write(path).value();
  const std::uint64_t end = file.size().value();
  file.write_at(end - 2, Bytes{1, 2}).value();
  const Status read = upload.file->read_at(65496, ByteSpan(bytes).first(kLarge - 65496));
  REQUIRE(read.error().code == ErrorCode::unauthentic);
  at.site.lines.last().abort(read.error());
  at.site.loop.pass(100);
  REQUIRE(at.site.lines.made.size() == 2);
  at.site.says(wire::Welcome{"site-1", "test", 0});
  at.site.loop.pass(100);
  CHECK(at.site.lines.last().all<wire::Offer>().empty());
  CHECK(at.site.lines.last().open);
  CHECK(at.site.kept() == 0);
  CHECK_THAT(load_status(at.disk, at.site.spec.state_dir)->last_refusal.detail,
             Catch::Contains("job.1.update"));
}

TEST_CASE("an update whose link ends is offered again on the next one") {
  SiteOnDisk at(kLarge);
  at.site.says(wire::Admit{"job", 1, 5, 0});
  at.site.lines.last().abort({ErrorCode::closed, "gone"});
  at.site.loop.pass(100);
  at.site.says(wire::Welcome{"site-1", "test", 0});
  CHECK(at.site.lines.last().all<wire::Offer>().size() == 1);
  CHECK(at.site.kept() == 1);
}

TEST_CASE("that an update is accepted is noted before it goes, and it stays where that fails") {
  const session::UpdateKey key{"job", 1};
  for (const auto& [noting, kept] : std::vector<std::pair<Status, std::size_t>>{
           {Status(), 0},
           {Error{ErrorCode::disk_full, "no room"}, 1},
           {Error{ErrorCode::io, "no answer"}, 1},
           {Error{ErrorCode::malformed, "no ledger any more"}, 0}}) {
    SiteOnDisk at(kSmall);
    at.site.workshop.noting = noting;
    at.site.says(wire::Receipt{"job", 1, wire::Outcome::accepted, 0, ""});
    CHECK(at.site.workshop.noted == std::vector{key});
    CHECK(at.site.kept() == kept);
  }
  SiteOnDisk at(kSmall);
  at.site.says(wire::Receipt{"job", 1, wire::Outcome::discarded, 0, ""});
  CHECK(at.site.workshop.noted.empty());
  CHECK(at.site.kept() == 0);
}

TEST_CASE("what the core keeps is sealed") {
  SiteOnDisk at(kLarge);
  const fs::path folder = at.site.spec.state_dir / "outbox";
  const double one = 1;  // what this workload's updates are made of
  Bytes pattern(sizeof one);
  std::memcpy(pattern.data(), &one, sizeof one);
  for (const char* name : {"job.1.update", "job.1.offer"}) {
    const Bytes content = read_file(at.disk, folder / name, 1 << 20).value();
    CHECK(text(content).find(text(pattern)) == std::string::npos);
  }
}
