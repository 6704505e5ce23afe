#include "data/encode.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "data/source.h"
#include "data/support.h"

namespace fed::data {
namespace {

using config::InputsSpec;
using Values = tensor::Floats;

std::unique_ptr<Source> open_table(const Folder& folder, const std::string& content,
                                   const InputsSpec& inputs) {
  auto source = open(csv_at(folder.write("t.csv", content)), {.inputs = &inputs});
  REQUIRE(source.has_value());
  REQUIRE(source.value()->inputs() == config::encoded_width(inputs));
  return std::move(source).value();
}

Values features(const std::string& content, const InputsSpec& inputs,
                const std::vector<Scaling>& federated = {}) {
  const Folder folder;
  return open_table(folder, content, inputs)->load(federated).value().train.features;
}

const char* const kGaps = "age,pain,outcome\n10,1,0\n?,NA,1\n30,3,0\n";

TEST_CASE("numbers as they are, categories one-hot, gaps filled by the site's mean") {
  CHECK(features(kGaps, hospital()) == Values{10, 1, 0, 0, 20, 0, 0, 0, 30, 0, 0, 1});
}

TEST_CASE("indicators and other categories take a feature of their own") {
  auto inputs = hospital();
  inputs.missing = InputsSpec::Missing::mean_and_indicator;
  inputs.unknown_category = InputsSpec::Unknown::other;
  CHECK(features("age,pain,outcome\n10,2,0\n?,NA,1\n30,9,0\n", inputs) ==
        Values{10, 0, 0, 1, 0, 0, 20, 1, 0, 0, 0, 1, 30, 0, 0, 0, 0, 1});
}

TEST_CASE("scaling by constants") {
  auto inputs = hospital();
  inputs.scaling = InputsSpec::Scaling::constants;
  inputs.columns[0].mean = 20;
  inputs.columns[0].deviation = 5;
  CHECK(features(kGaps, inputs) == Values{-2, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1});
  inputs.columns[0].deviation = 0;  // stands for 1
  CHECK(features(kGaps, inputs) == Values{-10, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1});
}

TEST_CASE("without scaling a stated mean fills the gaps") {
  auto inputs = hospital();
  inputs.columns[0].mean = 77;
  CHECK(features(kGaps, inputs)[4] == 77);
  CHECK(features("age,pain,outcome\n?,1,0\n", inputs)[0] == 77);
  inputs.columns[0].mean.reset();
  CHECK(features("age,pain,outcome\n?,1,0\n", inputs)[0] == 0);  // no value at all
}

TEST_CASE("federated scaling, and what is wrong with one") {
  auto inputs = hospital();
  inputs.scaling = InputsSpec::Scaling::federated;
  CHECK(features(kGaps, inputs, {{20, 4}}) == Values{-2.5, 1, 0, 0, 0, 0, 0, 0, 2.5, 0, 0, 1});
  CHECK(features(kGaps, inputs, {{20, 0}})[0] == -10);

  const Folder folder;
  const auto source = open_table(folder, kGaps, inputs);
  CHECK(source->load({}).error() ==
        Error{ErrorCode::mismatch, "the server sent the scaling of 0 columns, the job has 1"});
  const Error bad{ErrorCode::invalid,
                  "the server's scaling of column \"age\" is not a finite mean and deviation"};
  CHECK(source->load(std::vector<Scaling>{{NAN, 1}}).error() == bad);
  CHECK(source->load(std::vector<Scaling>{{0, -1}}).error() == bad);
  CHECK(source->load(std::vector<Scaling>{{0, 1e-300}}).error().detail ==
        (folder.path() / "t.csv").string() +
            ": line 2, column \"age\": the scaled value is not finite");
  const auto plain = hospital();
  CHECK(open_table(folder, kGaps, plain)->load(std::vector<Scaling>{{0, 1}}).error() ==
        Error{ErrorCode::mismatch, "the server sent the scaling of 1 columns, the job has 0"});
}

TEST_CASE("large numbers keep their differences when they are scaled") {
  auto inputs = hospital();
  inputs.scaling = InputsSpec::Scaling::federated;
  // A float holds 1700000001 only to 128; the subtraction has to come first.
  CHECK(features("age,pain,outcome\n1700000001,1,0\n", inputs, {{1700000000, 2}})[0] == 0.5f);
}

TEST_CASE("held-out rows take no part in the mean that fills gaps") {
  std::string content = "age,pain,outcome\n?,1,0\n";
  for (int i = 0; i < 19; ++i) content += fmt::format("{},1,0\n", i == 7 ? 1000000 : 5);
  const Folder folder;
  auto data = csv_at(folder.write("t.csv", content));
  data.test_fraction = 0.5;
  const auto inputs = hospital();
  for (data.seed = 0; data.seed < 20; ++data.seed) {
    const auto dataset = open(data, {.inputs = &inputs}).value()->load({}).value();
    double sum = 0, fill = -1;
    int count = 0;
    for (std::size_t i = 0; i < dataset.train.features.size(); i += 4) {
      const float value = dataset.train.features[i];
      if (value == 5 || value == 1000000) sum += value, ++count;
    }
    for (const auto* half : {&dataset.train, &dataset.holdout}) {
      for (std::size_t i = 0; i < half->features.size(); i += 4) {
        const float value = half->features[i];
        if (value != 5 && value != 1000000) fill = value;
      }
    }
    const double expected = sum / count;
    CHECK((expected == 5 || fill == Approx(expected)));
  }
}

TEST_CASE("encoding agrees with numpy on a random table") {
  const Folder folder;
  Random random(5);
  std::string content = "b,kind,a,outcome\n";
  for (int i = 0; i < 500; ++i) {
    const auto cell = [&](double value) {
      return random.below(10) == 0 ? std::string(random.below(2) == 0 ? "NA" : "")
                                   : fmt::format("{}", value);
    };
    content += fmt::format("{},{},{},{}\n", cell(random.normal() * 1e4), "xyzw"[random.below(4)],
                           cell(random.normal()), random.below(2));
  }
  InputsSpec inputs;
  inputs.columns = {number("a"), category("kind", {"z", "x", "y"}), number("b")};
  inputs.label = "outcome";
  inputs.classes = {"1", "0"};
  inputs.scaling = InputsSpec::Scaling::federated;
  inputs.missing = InputsSpec::Missing::mean_and_indicator;
  inputs.unknown_category = InputsSpec::Unknown::other;
  const auto source = open_table(folder, content, inputs);
  StatisticsSum sum(2);
  REQUIRE(sum.add(source->statistics().value()));
  const auto examples = source->load(sum.report()).value().train;

  const auto printed = python(folder, R"(
import csv, sys
import numpy as np
rows = list(csv.DictReader(open(sys.argv[1])))
def column(name):
    x = np.array([float(r[name]) if r[name] not in ("", "NA") else np.nan for r in rows])
    scaled = (x - np.nanmean(x)) / np.nanstd(x)
    return [np.where(np.isnan(x), 0, scaled), np.isnan(x)]
one_hot = [np.array([r["kind"] == v for r in rows]) for v in "zxyw"]
label = np.array([r["outcome"] == "0" for r in rows])
for row in np.stack(column("a") + one_hot + column("b") + [label], 1).astype(float):
    for value in row: print(repr(float(value)))
)",
                              folder.path() / "t.csv");
  REQUIRE(printed.size() == 500 * 9);
  for (std::size_t i = 0; i < printed.size(); ++i) {
    const std::size_t row = i / 9, column = i % 9;
    const float value = column == 8 ? examples.labels[row] : examples.features[row * 8 + column];
    REQUIRE(value == Approx(std::stod(printed[i])).margin(1e-6));
  }
}

}  // namespace
}  // namespace fed::data
