// The site's own list of the clients that it sums with.
#include "session/peers.h"

#include <catch2/catch.hpp>

#include "state_disk.h"

namespace fed::session {
namespace {

using test::StateDisk;

const fs::path kFile = "/state/roster", kAlarms = "/state/roster.alarms";
constexpr std::int64_t kNow = 1795306500;  // 2026-11-22 00:15:00 UTC

crypto::VerifyKey key(std::uint8_t first) {
  crypto::VerifyKey made{};
  made[0] = first;
  return made;
}
// Of key(first), worked out by hand: the first byte, then zeros.
const std::string kKey4 = "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const std::string kKey8 = "CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct Site : StateDisk {
  Peers peers(Trust trust = Trust::first_use) { return Peers::open(disk, kFile, trust).value(); }
  Error error(Trust trust = Trust::first_use) {
    const auto opened = Peers::open(disk, kFile, trust);
    REQUIRE_FALSE(opened.has_value());
    return opened.error();
  }
};

Status meet(Peers& peers, const std::vector<Introduction>& offered) {
  FED_ASSIGN(strangers, peers.weigh(offered, kNow));
  return peers.enter(strangers, kNow);
}

// The lines that are not remarks.
std::string entries(const std::string& text) {
  std::string found;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    if (text[at] != '#') found += text.substr(at, end + 1 - at);
    at = end + 1;
  }
  return found;
}

TEST_CASE("peers: a stranger is entered on first use, and is there after a power cut") {
  Site site;
  {
    Peers peers = site.peers();
    CHECK(peers.all().empty());
    CHECK_FALSE(peers.lookup("beta"));
    meet(peers, {{"beta", key(8)}, {"alpha", key(4)}}).value();
    CHECK(peers.lookup("alpha") == key(4));
  }
  site.cut_power();
  Peers peers = site.peers();
  CHECK(peers.lookup("alpha") == key(4));
  CHECK(peers.lookup("beta") == key(8));
  CHECK(peers.all().at("alpha").since == "2026-11-22");
  CHECK_FALSE(peers.all().at("alpha").pinned);
  CHECK(entries(site.text(kFile)) == "alpha " + kKey4 + " since 2026-11-22 first_use\n" + "beta " +
                                         kKey8 + " since 2026-11-22 first_use\n");
}

TEST_CASE("peers: whoever is known costs no write") {
  Site site;
  Peers peers = site.peers();
  meet(peers, {{"alpha", key(4)}}).value();
  const auto operations = site.disk.operations();
  meet(peers, {{"alpha", key(4)}}).value();
  meet(peers, {}).value();
  CHECK(site.disk.operations() == operations);
}

TEST_CASE("peers: a file that a person wrote, with remarks, stays as it was") {
  Site site;
  const std::string mine = "# ours\n\n  gamma\t" + kKey4 + " since 2025-01-31 pinned\r\n# end";
  site.write(kFile, mine);
  Peers peers = site.peers(Trust::pinned);
  CHECK(peers.all().at("gamma").pinned);
  CHECK(peers.all().at("gamma").since == "2025-01-31");
  Peers open = site.peers(Trust::first_use);
  meet(open, {{"gamma", key(4)}, {"alpha", key(8)}}).value();
  CHECK(site.text(kFile) == mine + "\nalpha " + kKey8 + " since 2026-11-22 first_use\n");
  open.forget("gamma").value();
  CHECK(site.text(kFile) == "# ours\n\n# end\nalpha " + kKey8 + " since 2026-11-22 first_use\n");
}

TEST_CASE("peers: a line that is none opens no roster, and says which") {
  const std::string good = "alpha " + kKey4 + " since 2026-11-22 pinned\n";
  const std::vector<std::string> wrong = {"beta",
                                          "beta " + kKey4,
                                          "beta " + kKey4 + " since 2026-11-22",
                                          "beta " + kKey4 + " since 2026-11-22 pinned too",
                                          "beta " + kKey4 + " from 2026-11-22 pinned",
                                          "beta " + kKey4 + " since yesterday pinned",
                                          "beta " + kKey4 + " since 2026-11-22 trusted",
                                          "beta " + kKey4.substr(1) + " since 2026-11-22 pinned",
                                          "beta " + kKey4 + "A since 2026-11-22 pinned",
                                          "beta ?" + kKey4.substr(1) + " since 2026-11-22 pinned",
                                          "be/ta " + kKey4 + " since 2026-11-22 pinned",
                                          "alpha " + kKey8 + " since 2026-11-22 pinned"};
  for (const std::string& line : wrong) {
    CAPTURE(line);
    Site site;
    site.write(kFile, "# one\n" + good + line + "\n");
    const Error error = site.error();
    CHECK(error.code == ErrorCode::malformed);
    CHECK_THAT(error.detail, Catch::Contains("/state/roster, line 3: "));
    CHECK_THAT(error.detail, Catch::Contains("no secure aggregation"));
  }
  Site site;
  site.write(kFile, "# one\n" + good);
  CHECK(site.peers().lookup("alpha") == key(4));
}

TEST_CASE("peers: a roster or alarms that cannot be looked at are not empty") {
  Site site;
  Peers first = site.peers();
  meet(first, {{"alpha", key(4)}}).value();
  REQUIRE_FALSE(meet(first, {{"alpha", key(8)}}));
  const auto before = site.disk.operations();
  static_cast<void>(site.peers());
  const auto operations = site.disk.operations() - before;
  for (std::uint64_t next = 1; next <= operations; ++next) {
    site.fail_operation(next);
    CHECK(site.error().code == ErrorCode::io);
  }
}

TEST_CASE("peers: a site that pins takes nobody whom it does not know") {
  Site site;
  site.write(kFile, "alpha " + kKey4 + " since 2026-11-22 first_use\n");
  Peers peers = site.peers(Trust::pinned);
  meet(peers, {{"alpha", key(4)}}).value();
  const Status refused = meet(peers, {{"alpha", key(4)}, {"beta", key(8)}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::not_found);
  CHECK_THAT(refused.error().detail, Catch::Contains("fedclient roster pin beta KEY"));
  CHECK_FALSE(peers.lookup("beta"));
  const Status more = meet(peers, {{"gamma", key(6)}, {"alpha", key(4)}, {"beta", key(8)}});
  CHECK_THAT(more.error().detail, Catch::StartsWith("beta, gamma are not in this site's roster"));
  std::vector<Introduction> many;
  for (char name = 'a'; name < 'h'; ++name) many.emplace_back(std::string(1, name), key(name));
  CHECK_THAT(meet(peers, many).error().detail, Catch::StartsWith("a, b, c, d, e and 2 more are"));
  peers.pin("beta", key(8), kNow).value();
  meet(peers, {{"alpha", key(4)}, {"beta", key(8)}}).value();
}

TEST_CASE("peers: a changed key is never accepted, and its alarm survives a restart") {
  const Trust trust = GENERATE(Trust::first_use, Trust::pinned);
  Site site;
  {
    Peers peers = site.peers();
    meet(peers, {{"alpha", key(4)}}).value();
  }
  const std::string before = site.text(kFile);
  {
    Peers peers = site.peers(trust);
    const Status refused = meet(peers, {{"zeta", key(9)}, {"alpha", key(8)}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::unauthentic);  // although zeta is a stranger
    CHECK_THAT(refused.error().detail, Catch::Contains("another key for alpha (" + kKey8));
    CHECK_THAT(refused.error().detail, Catch::Contains("(" + kKey4 + ")"));
    CHECK_THAT(refused.error().detail, Catch::Contains("fedclient roster pin alpha KEY"));
    CHECK(peers.lookup("alpha") == key(4));
    CHECK_FALSE(peers.lookup("zeta"));
  }
  CHECK(site.text(kFile) == before);
  site.cut_power();
  Peers peers = site.peers(trust);
  REQUIRE(peers.alarms().size() == 1);
  const PeerAlarm& alarm = peers.alarms().at("alpha");
  CHECK(alarm.known == key(4));
  CHECK(alarm.offered == key(8));
  CHECK(alarm.when == "2026-11-22T00:15:00Z");
  CHECK(site.text(kAlarms) == "alpha " + kKey4 + " " + kKey8 + " 2026-11-22T00:15:00Z\n");
}

TEST_CASE("peers: the same alarm again is not written again, another one is") {
  Site site;
  Peers peers = site.peers();
  meet(peers, {{"alpha", key(4)}}).value();
  REQUIRE_FALSE(meet(peers, {{"alpha", key(8)}}));
  const auto operations = site.disk.operations();
  REQUIRE_FALSE(meet(peers, {{"alpha", key(8)}}));
  CHECK(site.disk.operations() == operations);
  REQUIRE_FALSE(meet(peers, {{"alpha", key(9)}}));
  CHECK(site.peers().alarms().at("alpha").offered == key(9));
}

TEST_CASE("peers: an alarm that the disk did not take is shown, refused and written later") {
  Site site;
  Peers peers = site.peers();
  meet(peers, {{"alpha", key(4)}}).value();
  site.fill_up();
  CHECK(meet(peers, {{"alpha", key(8)}}).error().code == ErrorCode::unauthentic);
  CHECK(peers.alarms().contains("alpha"));
  site.disk.set_faults({});
  CHECK(site.peers().alarms().empty());
  CHECK(meet(peers, {{"alpha", key(8)}}).error().code == ErrorCode::unauthentic);
  CHECK(site.peers().alarms().contains("alpha"));
}

TEST_CASE("peers: what a full or failing disk does not take is not accepted") {
  Site site;
  Peers peers = site.peers();
  meet(peers, {{"alpha", key(4)}}).value();
  const auto before = site.disk.operations();
  meet(peers, {{"probe", key(1)}}).value();
  const auto operations = site.disk.operations() - before;
  const std::string sound = site.text(kFile);
  site.fill_up();
  CHECK(meet(peers, {{"beta", key(8)}}).error().code == ErrorCode::disk_full);
  CHECK(peers.pin("beta", key(8), kNow).error().code == ErrorCode::disk_full);
  CHECK_FALSE(peers.lookup("beta"));
  site.disk.set_faults({});
  CHECK(site.text(kFile) == sound);
  for (std::uint64_t next = 1; next <= operations; ++next) {
    site.fail_operation(next);
    CHECK_FALSE(meet(peers, {{"beta", key(8)}}));
    CHECK_FALSE(peers.lookup("beta"));
  }
  site.disk.set_faults({});
  meet(peers, {{"beta", key(8)}}).value();
  CHECK(site.peers().lookup("beta") == key(8));
}

TEST_CASE("peers: names that would not be one word of a line are refused") {
  Site site;
  Peers peers = site.peers();
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a\nb"), std::string("#a"),
        std::string("-a"), std::string(64, 'a'), std::string("a\0b", 3), std::string("\xc3\xa4")}) {
    CAPTURE(name);
    CHECK(meet(peers, {{name, key(4)}}).error().code == ErrorCode::invalid);
    CHECK(peers.pin(name, key(4), kNow).error().code == ErrorCode::invalid);
  }
  CHECK(meet(peers, {{"a", key(4)}, {"a", key(4)}}).error().code == ErrorCode::invalid);
  CHECK(peers.all().empty());
  meet(peers, {{std::string(63, 'a'), key(4)}, {"A.b_c-9", key(5)}}).value();
  CHECK(site.peers().all().size() == 2);
}

TEST_CASE("peers: a person pins and forgets, and that ends an alarm") {
  Site site;
  Peers peers = site.peers();
  meet(peers, {{"alpha", key(4)}, {"beta", key(5)}}).value();
  REQUIRE_FALSE(meet(peers, {{"alpha", key(8)}, {"beta", key(9)}}));
  CHECK(peers.alarms().size() == 2);
  peers.pin("alpha", key(8), kNow + 86400).value();
  CHECK(peers.alarms().size() == 1);
  CHECK(peers.all().at("alpha").since == "2026-11-23");
  meet(peers, {{"alpha", key(8)}}).value();
  peers.pin("alpha", key(8), kNow + 2 * 86400).value();  // known since then all the same
  CHECK(peers.all().at("alpha").since == "2026-11-23");
  CHECK_THAT(peers.pin("gamma", key(8), kNow).error().detail, Catch::Contains("key of alpha"));
  peers.forget("beta").value();
  CHECK(peers.forget("beta").error().code == ErrorCode::not_found);
  const Peers later = site.peers();
  CHECK(later.alarms().empty());
  CHECK_FALSE(later.lookup("beta"));
  CHECK(later.all().at("alpha").pinned);
  CHECK(entries(site.text(kFile)) == "alpha " + kKey8 + " since 2026-11-23 pinned\n");
}

TEST_CASE("peers: a damaged file of alarms opens no roster") {
  for (const std::string line : {"alpha", "alpha x y 2026-11-22T00:15:00Z"}) {
    Site site;
    site.write(kAlarms, line + "\n");
    CHECK_THAT(site.error().detail, Catch::Contains("/state/roster.alarms, line 1: "));
  }
}

TEST_CASE("peers: a roster that is full takes no stranger, and all who are in it") {
  Site site;
  std::string text;
  for (std::size_t i = 0; i < kPeersMax; ++i) {
    text += "p" + std::to_string(i) + " " + kKey4 + " since 2026-11-22 first_use\n";
  }
  site.write(kFile, text);
  Peers peers = site.peers();
  const Status refused = meet(peers, {{"p7", key(4)}, {"alpha", key(8)}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::too_large);
  CHECK_THAT(refused.error().detail, Catch::Contains("fedclient roster forget NAME"));
  CHECK(meet(peers, {{"p7", key(4)}, {"p99999", key(4)}}));
}

TEST_CASE("peers: keys as text") {
  CHECK(to_text(key(4)) == kKey4);
  CHECK(parse_verify_key(kKey8).value() == key(8));
  for (const std::string& text : {kKey4.substr(1), kKey4 + "A", std::string(43, '=')}) {
    CHECK(parse_verify_key(text).error().code == ErrorCode::invalid);
  }
}

}  // namespace
}  // namespace fed::session
