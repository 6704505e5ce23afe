// What every format has to do, and what splitting and describing do with whole files.
#include "data/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>

#include "data/idx.h"
#include "data/support.h"

namespace fed::data {
namespace {

// The same 200 rows of 3 features and 4 classes, in each format. The first feature tells the row.
struct Sample {
  Folder folder;
  config::DataSpec data;

  explicit Sample(std::string_view format) {
    data.test_fraction = 0.25;
    data.seed = 11;
    if (format == "csv") write_csv();
    if (format == "idx") write_idx();
  }

 private:
  static int class_of(int row) { return row * row % 4 == 1 ? row % 3 : 3; }

  void write_csv() {
    std::string content = "x,y,outcome,z,\"a note, quoted\"\r\n";
    for (int row = 0; row < 200; ++row) {
      content += fmt::format("{},{},{},{},\"{}\"\r\n", row, row % 7, class_of(row), row % 5,
                             row % 3 == 0 ? "two\r\nlines" : "one");
    }
    data.path = folder.write("data.csv", content);
    data.label = "outcome";
    data.features = {"x", "y", "z"};
  }

  void write_idx() {
    data.format = config::DataSpec::Format::idx;
    data.images = folder.path() / "images.gz";
    data.labels = folder.path() / "labels.gz";
    const std::vector<std::int64_t> dimensions{200, 3, 1};
    auto images = create_idx(data.images, dimensions).value();
    auto labels = create_idx(data.labels, std::span(dimensions).first(1)).value();
    for (int row = 0; row < 200; ++row) {
      const Bytes pixels{static_cast<std::uint8_t>(row), static_cast<std::uint8_t>(row % 7),
                         static_cast<std::uint8_t>(row % 5)};
      const Bytes label{static_cast<std::uint8_t>(class_of(row))};
      REQUIRE(images.write(pixels));
      REQUIRE(labels.write(label));
    }
    REQUIRE(images.close());
    REQUIRE(labels.close());
  }
};

constexpr Expectation kFourClasses{.classes = 4};

using RowSet = std::multiset<std::vector<float>>;

void add_rows(const model::Examples& examples, RowSet& rows) {
  REQUIRE(examples.features.size() == static_cast<std::size_t>(examples.rows * examples.inputs));
  REQUIRE(examples.labels.size() == static_cast<std::size_t>(examples.rows));
  const auto inputs = static_cast<std::size_t>(examples.inputs);
  for (std::size_t i = 0; i < examples.labels.size(); ++i) {
    std::vector<float> row(inputs + 1, examples.labels[i]);
    std::copy_n(&examples.features[i * inputs], inputs, row.begin());
    rows.insert(row);
  }
}

RowSet rows_of(const config::DataSpec& data) {
  const auto dataset = open(data, kFourClasses).value()->load({}).value();
  RowSet rows;
  add_rows(dataset.train, rows);
  add_rows(dataset.holdout, rows);
  return rows;
}

// The data of a part that `split` wrote.
config::DataSpec part_of(const config::DataSpec& data, const fs::path& folder) {
  config::DataSpec part = data;
  part.path = folder / "data.csv";
  part.images = folder / "train-images-idx3-ubyte.gz";
  part.labels = folder / "train-labels-idx1-ubyte.gz";
  return part;
}

TEST_CASE("every format conforms") {
  REQUIRE(formats().size() == 2);
  for (const Format& format : formats()) {
    DYNAMIC_SECTION(format.name) {
      const Sample sample(format.name);
      const auto source = open(sample.data, kFourClasses).value();
      CHECK(source->inputs() == 3);
      CHECK(source->train_rows() == 150);
      CHECK(source->test_rows() == 50);

      const auto dataset = source->load({}).value();
      CHECK(dataset.train.rows == 150);
      CHECK(dataset.holdout.rows == 50);
      CHECK(dataset.train.inputs == 3);
      RowSet rows;
      add_rows(dataset.train, rows);
      add_rows(dataset.holdout, rows);
      CHECK(rows.size() == 200);
      CHECK(std::set(rows.begin(), rows.end()).size() == 200);  // each once
      CHECK(std::is_sorted(rows.begin(), rows.end()));
      for (std::size_t i = 3; i < dataset.train.features.size(); i += 3) {  // the file's order
        REQUIRE(dataset.train.features[i] > dataset.train.features[i - 3]);
      }
      const auto again = source->load({}).value();
      CHECK(again.train.features == dataset.train.features);
      CHECK(again.holdout.labels == dataset.holdout.labels);

      auto other = sample.data;
      other.seed = 12;
      CHECK(open(other, kFourClasses).value()->load({}).value().train.features !=
            dataset.train.features);
      other.test_fraction = 1;
      CHECK(open(other, kFourClasses).value()->train_rows() == 0);
    }
  }
}

TEST_CASE("every format is described") {
  for (const Format& format : formats()) {
    const Sample sample(format.name);
    const Description description = describe(sample.data).value();
    CHECK(description.rows == 200);
    std::map<std::string, std::int64_t> classes;
    for (int row = 0; row < 200; ++row) ++classes[std::to_string(row * row % 4 == 1 ? row % 3 : 3)];
    CHECK(description.classes == Counts(classes.begin(), classes.end()));
  }
}

TEST_CASE("every format is cut into parts that together are the whole") {
  for (const Format& format : formats()) {
    for (const char* scheme : {"iid", "dirichlet:0.5", "labels:2"}) {
      DYNAMIC_SECTION(format.name << " " << scheme) {
        const Sample sample(format.name);
        const fs::path folder = sample.folder.path() / "parts";
        const auto parts = split(sample.data, parse_scheme(scheme).value(), 4, 5, folder).value();
        REQUIRE(parts.size() == 4);
        CHECK(parts[0].folder == folder / "client-01");
        RowSet together;
        for (const Part& part : parts) {
          const RowSet rows = rows_of(part_of(sample.data, part.folder));
          CHECK(static_cast<std::int64_t>(rows.size()) == part.rows);
          together.insert(rows.begin(), rows.end());
        }
        CHECK(together == rows_of(sample.data));

        const auto again = split(sample.data, parse_scheme(scheme).value(), 4, 5, folder);
        CHECK(again.error() ==
              Error{ErrorCode::already_exists,
                    (folder / "client-01").string() + " is already there; name another output"});
      }
    }
  }
}

TEST_CASE("every format says when its file is not there") {
  for (const Format& format : formats()) {
    Sample sample(format.name);
    sample.data.path = sample.data.images = "/nowhere/file";
    for (const Error& error :
         {open(sample.data, kFourClasses).error(), describe(sample.data).error(),
          split(sample.data, Scheme{}, 2, 1, sample.folder.path() / "p").error()}) {
      CHECK(error ==
            Error{ErrorCode::not_found, "cannot open /nowhere/file: No such file or directory"});
    }
    CHECK_FALSE(fs::exists(sample.folder.path() / "p"));
  }
}

TEST_CASE("a file that changes after it was opened is noticed") {
  for (const Format& format : formats()) {
    Sample sample(format.name);
    const auto source = open(sample.data, kFourClasses).value();
    if (format.name == "csv") {
      sample.folder.write("data.csv", read_text_file(sample.data.path) + "1,2,3,4,5\n");
    } else {
      const std::vector<std::int64_t> dimensions{1, 3, 1};
      auto file = create_idx(sample.data.images, dimensions).value();
      REQUIRE(file.write(Bytes{1, 2, 3}));
      REQUIRE(file.close());
    }
    const auto loaded = source->load({});
    REQUIRE(loaded.has_error());
    CHECK(loaded.error().code == ErrorCode::mismatch);
    CHECK(loaded.error().detail.ends_with(" changed while it was read; start again"));
  }
}

TEST_CASE("a part of a table has the header and the rows' own text") {
  const Sample sample("csv");
  const auto parts = split(sample.data, Scheme{}, 1, 1, sample.folder.path() / "parts").value();
  const std::string whole = read_text_file(sample.data.path);
  std::string expected;  // line ends between rows are \n; those inside quotes stay
  bool quoted = false;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    quoted ^= whole[i] == '"';
    if (whole[i] != '\r' || quoted) expected += whole[i];
  }
  CHECK(read_text_file(parts[0].folder / "data.csv") == expected);
}

TEST_CASE("a table without a label can only be cut at random") {
  Sample sample("csv");
  sample.data.label = "";
  const auto parts = split(sample.data, Scheme{}, 3, 1, sample.folder.path() / "parts").value();
  CHECK(parts[0].rows + parts[1].rows + parts[2].rows == 200);
  CHECK(split(sample.data, parse_scheme("labels:1").value(), 4, 1, sample.folder.path() / "q")
            .error()
            .detail == "only the scheme iid works without a label; name its column");
  sample.data.label = "outcom";
  CHECK(split(sample.data, Scheme{}, 2, 1, sample.folder.path() / "q").error().detail ==
        sample.data.path.string() + ": there is no column \"outcom\"; did you mean \"outcome\"?");
}

TEST_CASE("test files take the place of held-out rows") {
  const Folder folder;
  auto data = csv_at(folder.write("train.csv", "b,a,outcome\n1,2,0\n3,4,1\n"));
  data.test_path = folder.write("test.csv", "outcome,a,b\n1,6,5\n");
  const auto source = open(data, {.classes = 2}).value();
  CHECK(source->train_rows() == 2);
  CHECK(source->test_rows() == 1);
  const auto dataset = source->load({}).value();
  CHECK(dataset.train.features == tensor::Floats{2, 1, 4, 3});
  CHECK(dataset.holdout.features == tensor::Floats{6, 5});
  folder.write("test.csv", "outcome,a\n1,6\n");
  CHECK(open(data, {.classes = 2}).error().detail ==
        data.test_path.string() + ": there is no column \"b\"; the file has \"outcome\", \"a\"");
}

TEST_CASE("whatever byte of a table is changed, opening it ends with its rows or a refusal") {
  const Folder folder;
  const std::string good = "age,\"pain\",outcome\r\n41,1,0\r\n?,\"2\",1\r\n";
  const auto inputs = hospital();
  int refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      const auto source = open(csv_at(folder.write("t.csv", bad)), {.inputs = &inputs});
      refused += source.has_error() ? 1 : 0;
      if (source.has_error()) {
        CHECK(source.error().detail.starts_with((folder.path() / "t.csv").string()));
      } else {
        for (float value : source.value()->load({}).value().train.features) {
          REQUIRE(std::isfinite(value));
        }
      }
    }
  }
  CHECK(refused > static_cast<int>(good.size()) * 4);  // most changes cannot be taken for data
}

TEST_CASE("statistics are of the training rows only") {
  const Sample sample("csv");
  const auto source = open(sample.data, kFourClasses).value();
  const auto message = source->statistics().value();
  const auto train = source->load({}).value().train;
  std::vector<double> expected(9, 0);
  for (std::size_t i = 0; i < train.features.size(); ++i) {
    const double value = train.features[i];
    expected[i % 3 * 3] += 1;
    expected[i % 3 * 3 + 1] += value;
    expected[i % 3 * 3 + 2] += value * value;
  }
  CHECK(message == expected);  // whole numbers: exact either way
}

TEST_CASE("columns are described as they are") {
  const Folder folder;
  std::string content = "id,sex,age,empty,outcome\n";
  for (int i = 0; i < 150; ++i) {
    content += fmt::format("p{},{},{},?,{}\n", i, i % 3 == 0 ? "f" : "m",
                           i % 10 == 0 ? "NA" : std::to_string(i), i % 2 == 0 ? "10" : "9");
  }
  const Description description = describe(csv_at(folder.write("t.csv", content))).value();
  using Kind = ColumnDescription::Kind;
  REQUIRE(description.columns.size() == 5);
  const auto& [id, sex, age, empty, outcome] =
      std::tie(description.columns[0], description.columns[1], description.columns[2],
               description.columns[3], description.columns[4]);
  CHECK(id.kind == Kind::text);
  CHECK(id.counts.empty());
  CHECK(sex.kind == Kind::category);
  CHECK(sex.counts == Counts{{"f", 50}, {"m", 100}});
  CHECK(age.kind == Kind::number);
  CHECK(age.present == 135);
  CHECK(age.missing == 15);
  CHECK(age.min == 1);
  CHECK(age.max == 149);
  CHECK(age.mean == Approx((149 * 75 - 1050) / 135.0));
  CHECK(age.counts.empty());
  CHECK(empty.kind == Kind::empty);
  CHECK(empty.missing == 150);
  CHECK(outcome.kind == Kind::number);
  CHECK(description.classes == Counts{{"9", 75}, {"10", 75}});  // by size, not by letters

  CHECK(describe(csv_at(folder.write("u.csv", "a,b\n1\n"))).error().detail ==
        (folder.path() / "u.csv").string() + ": line 2 has 1 field, the header has 2");
  CHECK(describe(csv_at(folder.write("v.csv", ""))).error().detail ==
        (folder.path() / "v.csv").string() + " is empty; a header was expected");
}

}  // namespace
}  // namespace fed::data
