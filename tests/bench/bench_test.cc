// What the benchmarks are made of, apart from measuring: the arithmetic of rows and series, the
// synthetic update, the job files.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "app/plan.h"
#include "exchange.h"
#include "numbers.h"
#include "process_stats.h"
#include "trend.h"
#include "update.h"

namespace fed::bench {
namespace {

Row row(double value, double limit, std::optional<Bar> bar) {
  return {"x", "figure", value, "s", limit > 0 ? "limit" : "", limit, bar, ""};
}

TEST_CASE("a row is judged by its ratio to the limit, or by itself") {
  using Sense = Bar::Sense;
  CHECK_FALSE(row(3, 2, std::nullopt).met());
  CHECK(row(3, 2, Bar{Sense::at_most, 1.5}).met() == true);
  CHECK(row(3.1, 2, Bar{Sense::at_most, 1.5}).met() == false);
  CHECK(row(1.6, 2, Bar{Sense::at_least, 0.8}).met() == true);
  CHECK(row(1.5, 2, Bar{Sense::at_least, 0.8}).met() == false);
  CHECK(row(500, 9000, Bar{Sense::at_least, 500, Bar::Of::value}).met() == true);
  CHECK(row(499, 9000, Bar{Sense::at_least, 500, Bar::Of::value}).met() == false);
  CHECK(row(499, 0, Bar{Sense::at_least, 500, Bar::Of::value}).met() == false);
}

TEST_CASE("a report says in text and in JSON what was missed, and what was left out") {
  Report report;
  report.add(row(3.1, 2, Bar{Bar::Sense::at_most, 1.5}));
  report.add(row(3, 2, std::nullopt));
  report.skip("y", "there is no room");
  report.raw("x")["numbers"] = {1, 2};
  const std::string text = report.to_text();
  CHECK(text.find("<= 1.5  NO") != std::string::npos);
  CHECK(text.find("y  left out: there is no room") != std::string::npos);
  const Json json = report.to_json();
  CHECK(json["rows"][0]["met"] == false);
  CHECK(json["rows"][0]["ratio"] == Approx(1.55));
  CHECK_FALSE(json["rows"][1].contains("met"));
  CHECK(json["skipped"][0]["workload"] == "y");
  CHECK(json["raw"]["x"]["numbers"][1] == 2);
}

TEST_CASE("percentiles are values that occurred") {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  CHECK(median(values) == 51);
  CHECK(percentile(values, 0.99) == 100);
  CHECK(percentile(values, 0) == 1);
  CHECK(percentile({7}, 0.99) == 7);
  CHECK(percentile({}, 0.5) == 0);
}

TEST_CASE("a series that rises is told from one that only wavers") {
  std::vector<Reading> rising, wavering;
  for (int i = 0; i < 40; ++i) {
    rising.push_back({i * 2.0, 100 + 3.0 * i});
    wavering.push_back({i * 2.0, 100 + (i % 2 == 0 ? 1.0 : -1.0)});
  }
  CHECK(slope(rising) == Approx(1.5));
  CHECK(std::fabs(slope(wavering)) < 0.01);
  // Quarters of ten: the medians are of readings 15 and 35.
  CHECK(growth(rising) == Approx((100 + 3.0 * 35) / (100 + 3.0 * 15) - 1));
  CHECK(std::fabs(growth(wavering)) < 0.021);
  CHECK(growth(std::span(rising).first(7)) == 0);
}

TEST_CASE("a synthetic update reads the same in any pieces and has the checksum that it says") {
  const std::uint64_t coordinates = (std::uint64_t{4} << 20) / sizeof(float) + 1001;
  const Update update = make_update(coordinates);
  REQUIRE(update.bytes == coordinates * sizeof(float));
  Bytes whole(update.bytes), pieces(update.bytes);
  REQUIRE(update.file->read_at(0, whole));
  constexpr std::size_t kPiece = 65496;
  for (std::size_t at = 0; at < pieces.size(); at += kPiece) {
    const std::size_t size = std::min(kPiece, pieces.size() - at);
    REQUIRE(update.file->read_at(at, ByteSpan(pieces).subspan(at, size)));
  }
  CHECK(pieces == whole);
  CHECK(checksum(whole) == update.sum);
  CHECK_FALSE(update.file->read_at(update.bytes - 1, ByteSpan(pieces).first(2)));
  for (const float value : update_values(coordinates)) REQUIRE(std::fabs(value) <= 0.01F);
}

TEST_CASE("a job has exactly the parameters and the cohort that were asked for") {
  for (const std::uint64_t coordinates : {256U, 100'000U, 1'000'000U, 10'000'000U}) {
    auto spec = config::parse_job(job_text("one", coordinates, 7, 3));
    REQUIRE(spec.has_value());
    CHECK(spec->rounds.cohort == 7);
    CHECK(spec->rounds.contributions_min == 7);
    CHECK(spec->rounds.max == 3);
    const auto plan = app::make_plan(std::move(*spec));
    REQUIRE(plan.has_value());
    CHECK((*plan)->model->layout().size() == coordinates);
  }
}

TEST_CASE("memory and descriptors of this process are seen") {
  const pid_t self = ::getpid();
  const std::size_t before = descriptors_of(self);
  REQUIRE(before > 0);
  const int extra = ::dup(STDERR_FILENO);
  CHECK(descriptors_of(self) == before + 1);
  ::close(extra);
  CHECK(descriptors_of(self) == before);
  const ProcessMemory memory = memory_of(self);
  CHECK(memory.resident > 0);
  CHECK(memory.peak >= memory.resident);
  std::vector<char> ballast(64 << 20, 1);
  CHECK(memory_of(self).resident > memory.resident + (32 << 20));
  CHECK(ballast.back() == 1);
}

}  // namespace
}  // namespace fed::bench
