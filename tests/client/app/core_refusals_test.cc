// What the client's core refuses by itself is in its status, and goes to the server without the
// names of this machine's files.
#include "core_bench.h"
#include "session/answered.h"
#include "sim/sim_disk.h"

using namespace fed;
using namespace fed::app;
using fed::test::Site;

namespace {

constexpr std::uint64_t kBytes = 800;

struct SiteOnDisk {
  SiteOnDisk() { site.agrees(); }
  ClientStatus status() { return load_status(disk, site.spec.state_dir).value(); }
  std::string refusal() {
    const auto told = site.lines.last().all<wire::TaskRefused>();
    REQUIRE(told.size() == 1);
    return told[0].detail;
  }

  sim::SimDisk disk{{.seed = 1}};
  Site site{disk};
};

// As of the update that the bench's workload makes.
Checksum checksum_of_update() {
  const std::vector<double> sums(kBytes / sizeof(double), 1.0);
  return checksum(as_bytes(std::span<const double>(sums)));
}

}  // namespace

TEST_CASE(
    "an update that is to the last bit one that was revealed is dropped, and so is its task") {
  const bool is_revealed = GENERATE(true, false);
  SiteOnDisk at;
  at.site.workshop.traits.is_hidden = true;
  at.site.says(wire::JobOffer{"job", "spec, again"});
  at.site.loading.release();
  at.site.loop.pass(0);
  if (is_revealed) {
    auto answered =
        session::Answered::open(at.disk, at.site.spec.state_dir / session::kAnswered).value();
    answered.remember("job", 1, 1).value();
    answered.remember_reveal("job", 1, checksum_of_update(), [](std::int64_t) { return true; })
        .value();
  }
  at.site.is_training(kBytes);
  at.site.finishes_training();
  CHECK(at.site.kept() == (is_revealed ? 0 : 1));
  CHECK(at.site.lines.last().all<wire::Offer>().size() == (is_revealed ? 0 : 1));
  if (!is_revealed) return;
  CHECK_THAT(at.refusal(), Catch::Contains("was revealed for an earlier sum"));
  CHECK(at.site.lines.last().all<wire::TaskRefused>()[0].for_good);
  CHECK(at.status().own_refusal.reason == "closed");
}

TEST_CASE("a training that is refused here is in the status, with the file that only it names") {
  SiteOnDisk at;
  CHECK(at.status().own_refusal.at == 0);
  const auto [why, told, reason] =
      GENERATE(std::tuple(Error{ErrorCode::io, "cannot use /state/privacy.ledger: no"},
                          "this client cannot use its files; its own log says why", "io"),
               std::tuple(Error{ErrorCode::disk_full, "/state/privacy.ledger: No space left"},
                          "this client's disk is full", "disk_full"),
               std::tuple(Error{ErrorCode::unsupported, "budget is spent"}, "budget is spent",
                          "unsupported"));
  at.site.workshop.traits.fails = why;
  at.site.says(wire::JobOffer{"job", "spec, again"});
  at.site.loading.release();
  at.site.loop.pass(0);
  at.site.is_training(kBytes);
  at.site.finishes_training();
  CHECK(at.refusal() == told);
  const ClientStatus::Refusal shown = at.status().own_refusal;
  CHECK(shown.job == "job");
  CHECK(shown.task == 1);
  CHECK(shown.reason == reason);
  CHECK(shown.detail == why.detail);
  CHECK(shown.at >= test::kUnixStart);
}

TEST_CASE("a status that cannot be written is known to be stale until one is written again") {
  SiteOnDisk at;
  CHECK_FALSE(at.status().is_stale);
  const ClientStatus before = at.status();
  at.disk.set_faults({.bytes_max = at.disk.bytes_used()});
  at.site.says(wire::JobOffer{"unwanted", "spec"});
  at.site.loading.release();
  at.site.loop.pass(0);
  at.site.says(wire::Standby{"job", "2 of 5 clients", 5});  // another one that cannot be written
  CHECK(at.status().is_stale);
  CHECK(at.status().name == before.name);
  CHECK(at.status().declined.empty());
  at.disk.set_faults({});
  at.site.says(wire::Standby{"job", "2 of 5 clients", 5});
  CHECK_FALSE(at.status().is_stale);
  CHECK(at.status().declined.contains("unwanted"));
  CHECK_FALSE(at.disk.inspect(at.site.spec.state_dir / "status.json.stale"));
}
