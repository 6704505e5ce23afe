#include <catch2/catch.hpp>
#include <limits>

#include "harness.h"

namespace fed::round {
namespace {

// Client 1 is asked, 2 uploads, 3 is being stored, 4 is accepted, 5 refused, 6 failed, 7 removed;
// round 4 from version 3.
struct Scene {
  Scene() {
    const Status states[] = {Status::asked,   Status::uploading, Status::storing, Status::accepted,
                             Status::refused, Status::failed,    Status::removed};
    for (int i = 0; i < 7; ++i) {
      Member& member = members[i + 1];
      member.task = 4;
      member.base_version = 3;
      member.examples = 10;
      member.status = states[i];
      if (i >= 1 && i <= 3) member.ticket = Ticket{5, sum_of(i + 1)};
    }
    members[5].last_refusal = {Reason::not_finite, "as before"};
    answered = {{1, {3, sum_of(1)}}, {9, {3, sum_of(9)}}};
  }

  GateView view() const {
    return {job, phase, 4, attempt, false, attempt == 0 ? 3 : 4, shape, members, answered};
  }
  Reason offered(const Offered& event) const {
    const auto refusal = check_offer(view(), event);
    return refusal ? refusal->reason : static_cast<Reason>(255);
  }
  Reason uploaded(const UploadCompleted& event) const {
    const auto refusal = check_upload(view(), event);
    return refusal ? refusal->reason : static_cast<Reason>(255);
  }

  UpdateShape shape{.bytes = kBytes, .count = kCount, .limit = 64};
  Members members;
  Receipts answered;
  JobState job = JobState::running;
  Phase phase = Phase::collecting;
  std::int64_t attempt = 1;
};

constexpr auto kYes = static_cast<Reason>(255);

TEST_CASE("an offer is judged by who sends it and how far its round is") {
  const Scene scene;
  CHECK(scene.offered(offer(1, 4)) == kYes);
  CHECK(scene.offered(offer(2, 4)) == kYes);  // again, after a reconnect
  CHECK(scene.offered(offer(3, 4)) == Reason::being_stored);
  CHECK(scene.offered(offer(4, 4)) == Reason::none);  // the receipt once more
  CHECK(scene.offered(offer(5, 4)) == Reason::not_finite);
  CHECK(scene.offered(offer(6, 4)) == Reason::task_failed);
  CHECK(scene.offered(offer(7, 4)) == Reason::removed);
  CHECK(scene.offered(offer(8, 4)) == Reason::not_in_cohort);
  CHECK(scene.offered(offer(1, 5)) == Reason::unknown_round);
  CHECK(scene.offered(offer(2, 3)) == Reason::round_closed);
  CHECK(scene.offered(offer(8, 0)) == Reason::round_closed);
  CHECK(scene.offered(offer(1, 3)) == Reason::none);  // counted in the round before
  CHECK(scene.offered(offer(9, 3)) == Reason::none);
  CHECK(scene.offered(offer(1, 2)) == Reason::round_closed);
}

TEST_CASE("another update of a client that has one is a duplicate") {
  const Scene scene;
  for (auto [client, round] : {std::pair{3, 4}, {4, 4}, {9, 3}}) {
    Offered other = offer(client, round);
    other.checksum = sum_of(77);
    CHECK(scene.offered(other) == Reason::duplicate);
  }
  Offered changed = offer(2, 4);  // not complete yet: it may change its mind
  changed.checksum = sum_of(77);
  CHECK(scene.offered(changed) == kYes);
}

TEST_CASE("an offer has to fit the task") {
  const Scene scene;
  const auto changed = [](auto member, auto value) {
    Offered event = offer(1, 4);
    event.*member = value;
    return event;
  };
  CHECK(scene.offered(changed(&Offered::base_version, std::int64_t{2})) ==
        Reason::wrong_base_version);
  CHECK(scene.offered(changed(&Offered::base_version, std::int64_t{4})) ==
        Reason::wrong_base_version);
  CHECK(scene.offered(changed(&Offered::bytes, kBytes - 1)) == Reason::wrong_size);
  CHECK(scene.offered(changed(&Offered::bytes, kBytes + 1)) == Reason::wrong_size);
  CHECK(scene.offered(changed(&Offered::bytes, std::uint64_t{0})) == Reason::wrong_size);
  const auto lowest = std::numeric_limits<std::int64_t>::min();
  const auto highest = std::numeric_limits<std::int64_t>::max();
  for (std::int64_t examples :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{11}, lowest, highest}) {
    CHECK(scene.offered(changed(&Offered::examples, examples)) == Reason::examples_out_of_range);
  }
  CHECK(scene.offered(changed(&Offered::examples, std::int64_t{1})) == kYes);
  CHECK(scene.offered(changed(&Offered::examples, std::int64_t{10})) == kYes);
}

TEST_CASE("an upload is judged by what its bytes are") {
  const Scene scene;
  const auto changed = [](auto member, auto value) {
    UploadCompleted event = upload(2, 4);
    event.facts.*member = value;
    return event;
  };
  CHECK(scene.uploaded(upload(2, 4)) == kYes);
  CHECK(scene.uploaded(changed(&UploadFacts::checksum_ok, false)) == Reason::checksum_mismatch);
  CHECK(scene.uploaded(changed(&UploadFacts::bytes, kBytes + 4)) == Reason::wrong_size);
  CHECK(scene.uploaded(changed(&UploadFacts::count, kCount - 1)) == Reason::wrong_shape);
  CHECK(scene.uploaded(changed(&UploadFacts::finite, false)) == Reason::not_finite);
  CHECK(scene.uploaded(changed(&UploadFacts::max_abs, 64.0)) == kYes);
  CHECK(scene.uploaded(changed(&UploadFacts::max_abs, std::nextafter(64.0, 65.0))) ==
        Reason::over_limit);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(scene.uploaded(changed(&UploadFacts::max_abs, nan)) == Reason::over_limit);
  CHECK(scene.uploaded(changed(&UploadFacts::norm, 1e300)) == kYes);  // no limit
  CHECK(scene.uploaded(upload(1, 4)) == Reason::not_offered);
  CHECK(scene.uploaded(upload(3, 4)) == Reason::being_stored);
  CHECK(scene.uploaded(upload(4, 4)) == Reason::none);
  CHECK(scene.uploaded(upload(5, 4)) == Reason::not_finite);
  CHECK(scene.uploaded(upload(8, 4)) == Reason::not_in_cohort);
  CHECK(scene.uploaded(upload(9, 3)) == Reason::none);
  CHECK(scene.uploaded(upload(2, 3)) == Reason::round_closed);
  CHECK(scene.uploaded(upload(2, 5)) == Reason::unknown_round);
}

TEST_CASE("an update that is longer than noise covers is refused") {
  Scene scene;
  scene.shape.norm_max = 2;
  UploadCompleted event = upload(2, 4);
  event.facts.norm = 2;
  CHECK(scene.uploaded(event) == kYes);
  for (const double norm : {std::nextafter(2.0, 3.0), std::numeric_limits<double>::quiet_NaN()}) {
    event.facts.norm = norm;
    CHECK(scene.uploaded(event) == Reason::over_norm);
  }
}

TEST_CASE(
    "outside of collecting nothing is admitted, and the client hears whether to keep its update") {
  Scene scene;
  for (Phase phase : {Phase::closing, Phase::committing}) {
    scene.phase = phase;
    CHECK(scene.offered(offer(2, 4)) == Reason::round_closed);
    CHECK(scene.offered(offer(8, 4)) == Reason::round_closed);
    CHECK(scene.offered(offer(4, 4)) == Reason::none);
    CHECK(scene.uploaded(upload(2, 4)) == Reason::round_closed);
  }
  for (Phase phase : {Phase::idle, Phase::selecting, Phase::abandoned}) {
    scene.phase = phase;
    CHECK(scene.offered(offer(2, 4)) == Reason::attempt_abandoned);
    CHECK(scene.offered(offer(8, 4)) == Reason::not_in_cohort);
    CHECK(scene.offered(offer(4, 4)) == Reason::none);
    CHECK(scene.uploaded(upload(2, 4)) == Reason::attempt_abandoned);
  }
  scene.attempt = 0;
  scene.members.clear();
  CHECK(scene.offered(offer(2, 4)) == Reason::unknown_round);
  for (JobState job : {JobState::finished, JobState::cancelled}) {
    scene.job = job;
    CHECK(scene.offered(offer(2, 4)) == Reason::job_ended);
    CHECK(scene.uploaded(upload(2, 4)) == Reason::job_ended);
    CHECK(scene.offered(offer(9, 3)) == Reason::none);  // a lost receipt is repeated even then
  }
}

TEST_CASE("a refusal names the numbers of its case") {
  const Scene scene;
  Offered event = offer(1, 4, 11);
  CHECK_THAT(check_offer(scene.view(), event)->detail,
             Catch::Contains("11 examples; declared were 10"));
  event = offer(1, 4);
  event.bytes = 44;
  CHECK_THAT(check_offer(scene.view(), event)->detail,
             Catch::Contains("44 bytes; the task names 40"));
  UploadCompleted big = upload(2, 4);
  big.facts.max_abs = 1e6;
  CHECK_THAT(check_upload(scene.view(), big)->detail, Catch::Contains("1e+06; the limit is 64"));
}

TEST_CASE("a client declares from 1 to 2^40 examples") {
  for (std::int64_t good : {std::int64_t{1}, kExamplesMax}) CHECK_FALSE(check_available({1, good}));
  for (std::int64_t bad : {std::int64_t{0}, std::int64_t{-5}, kExamplesMax + 1}) {
    REQUIRE(check_available({1, bad}));
    CHECK(check_available({1, bad})->reason == Reason::examples_out_of_range);
  }
}

}  // namespace
}  // namespace fed::round
