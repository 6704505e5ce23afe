#include "data/idx.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <numeric>

#include "data/source.h"
#include "data/support.h"

namespace fed::data {
namespace {

std::string idx(std::string_view type_and_dimensions, const std::vector<std::uint32_t>& sizes,
                std::string_view values) {
  std::string bytes{"\0\0", 2};
  bytes += type_and_dimensions;
  for (std::uint32_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xff);
  }
  return bytes += values;
}

std::string images(std::uint32_t count, std::string_view values) {
  return idx("\x08\x03", {count, 1, 2}, values);
}
std::string labels(std::uint32_t count, std::string_view values) {
  return idx("\x08\x01", {count}, values);
}

config::DataSpec data_of(const Folder& folder, const std::string& image_bytes,
                         const std::string& label_bytes) {
  config::DataSpec data;
  data.format = config::DataSpec::Format::idx;
  data.images = folder.write("images", image_bytes);
  data.labels = folder.write("labels", label_bytes);
  data.test_fraction = 0;
  return data;
}

const std::string kThreeLabels{"\2\0\1", 3};

// Without the folder's name.
std::string refusal(const std::string& image_bytes,
                    const std::string& label_bytes = labels(3, kThreeLabels),
                    std::int64_t classes = 3) {
  const Folder folder;
  const auto source = open(data_of(folder, image_bytes, label_bytes), {.classes = classes});
  REQUIRE(source.has_error());
  std::string detail = source.error().detail;
  const std::string prefix = folder.path().string() + "/";
  for (std::size_t at; (at = detail.find(prefix)) != std::string::npos;)
    detail.erase(at, prefix.size());
  return detail;
}

TEST_CASE("pixels become numbers from 0 to 1") {
  const Folder folder;
  const std::string values{"\x00\xff\x33\x66\x99\xcc", 6};
  const auto source =
      open(data_of(folder, images(3, values), labels(3, kThreeLabels)), {.classes = 3}).value();
  CHECK(source->inputs() == 2);
  CHECK(source->train_rows() == 3);
  CHECK(source->statistics().value().empty());
  const auto train = source->load({}).value().train;
  CHECK(train.features == tensor::Floats{0, 1, 0.2f, 0.4f, 0.6f, 0.8f});
  CHECK(train.labels == tensor::Floats{2, 0, 1});
  CHECK(source->load(std::vector<Scaling>{{0, 1}}).error().detail ==
        "the server sent a scaling of columns, but images have none");
}

TEST_CASE("images that cannot be used are refused") {
  CHECK(refusal("") == "images is no IDX file: it ends within the header");
  CHECK(refusal(std::string("\0\0\x08\x03\0\0\0", 7)) ==
        "images is no IDX file: it ends within the header");
  CHECK(refusal("\x89PNG....") == "images is no IDX file: it begins with 89504e47");
  CHECK(refusal(std::string("\0\0\x07\x03", 4)) ==
        "images is no IDX file: it begins with 00000703");
  CHECK(refusal(std::string("\0\0\x08\0", 4)) == "images is no IDX file: it begins with 00000800");
  CHECK(refusal(idx("\x0d\x03", {1, 1, 1}, "1234")) ==
        "images holds 32-bit floats (type 0x0d); only unsigned bytes (type 0x08) are read");
  CHECK(refusal(labels(3, "123")) ==
        "images has 1 dimension, as labels have; images were expected");
  CHECK(refusal(images(0, "")) == "images has no images");
  CHECK(refusal(idx("\x08\x03", {3, 0, 2}, "")) == "images has no images");
  CHECK(refusal(images(3, "12345")) == "images ends after 2 of 3 items");
  CHECK(refusal(images(3, "1234567")) == "images has more bytes than its 3 items");
  CHECK(refusal(images(2, "1234")) == "images has 2 images, labels has 3 labels");
  CHECK(refusal(idx("\x08\x03", {0xffffffff, 28, 28}, "12")) ==
        "images claims 3367254359280 bytes of values, more than a file of 18 bytes can hold");
  CHECK(refusal(idx("\x08\x03", {1, 0xffffffff, 0xffffffff}, "12")) ==
        "images claims items of more than 1073741824 bytes");
}

TEST_CASE("labels that cannot be used are refused") {
  const std::string good = images(3, "123456");
  CHECK(refusal(good, labels(3, "12")) == "labels ends after 2 of 3 items");
  CHECK(refusal(good, labels(3, "1234")) == "labels has more bytes than its 3 items");
  CHECK(refusal(good, images(3, "123456")) == "labels has 3 dimensions; labels have 1");
  CHECK(refusal(good, labels(3, std::string("\0\3\0", 3))) ==
        "labels: label 2 is 3; the job has the classes 0 to 2");
  const Folder folder;
  const auto inputs = hospital();
  CHECK(open(data_of(folder, good, labels(3, kThreeLabels)), {.inputs = &inputs}).error().detail ==
        "the job's \"inputs\" describe a table; this site's data are images (format idx)");
}

TEST_CASE("test files must have images of the same size") {
  const Folder folder;
  auto data = data_of(folder, images(3, "123456"), labels(3, kThreeLabels));
  data.test_images = folder.write("test-images", idx("\x08\x03", {1, 1, 3}, "123"));
  data.test_labels = folder.write("test-labels", labels(1, "\1"));
  CHECK(open(data, {.classes = 3}).error().detail ==
        data.images.string() + " has 2 values an image, " + data.test_images.string() + " has 3");
  folder.write("test-images", images(1, "12"));
  const auto dataset = open(data, {.classes = 3}).value()->load({}).value();
  CHECK(dataset.train.rows == 3);
  CHECK(dataset.holdout.rows == 1);
  CHECK(dataset.holdout.labels == tensor::Floats{1});
}

TEST_CASE("whatever byte is changed, reading ends with the same rows or a refusal") {
  const Folder folder;
  const std::string good = images(3, "123456");
  for (std::size_t at = 0; at < 16; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      const auto source = open(data_of(folder, bad, labels(3, kThreeLabels)), {.classes = 3});
      CHECK_FALSE(source.has_value());
    }
  }
}

TEST_CASE("a written file is read by Python as it was meant, and is the same each time") {
  const Folder folder;
  const std::vector<std::int64_t> dimensions{300, 7, 5};
  Random random(8);
  Bytes values(300 * 7 * 5);
  for (auto& value : values) value = static_cast<std::uint8_t>(random.below(256));
  for (const char* name : {"a.gz", "b.gz"}) {
    auto file = create_idx(folder.path() / name, dimensions).value();
    REQUIRE(file.write(values));
    REQUIRE(file.close());
  }
  CHECK(read_text_file(folder.path() / "a.gz") == read_text_file(folder.path() / "b.gz"));
  const auto printed = python(folder, R"(
import gzip, struct, sys
import numpy as np
data = gzip.open(sys.argv[1]).read()
print(*struct.unpack(">HBB3I", data[:16]))
print(np.frombuffer(data[16:], np.uint8).astype(np.int64) @ np.arange(1, 10501))
)",
                              folder.path() / "a.gz");
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < values.size(); ++i) expected += (i + 1) * values[i];
  CHECK(printed == std::vector<std::string>{"0 8 3 300 7 5", std::to_string(expected)});
}

TEST_CASE("Fashion-MNIST is what its authors publish") {
  const fs::path folder = "/usr/share/datasets/fashion-mnist";
  if (!fs::exists(folder)) {
    WARN("Fashion-MNIST is not installed");
    return;
  }
  config::DataSpec data;
  data.format = config::DataSpec::Format::idx;
  data.images = folder / "train-images-idx3-ubyte.gz";
  data.labels = folder / "train-labels-idx1-ubyte.gz";
  data.test_images = folder / "t10k-images-idx3-ubyte.gz";
  data.test_labels = folder / "t10k-labels-idx1-ubyte.gz";
  const auto dataset = open(data, {.classes = 10}).value()->load({}).value();
  CHECK(dataset.train.rows == 60000);
  CHECK(dataset.holdout.rows == 10000);
  CHECK(dataset.train.inputs == 784);
  const auto& features = dataset.train.features;
  const double mean =
      std::accumulate(features.begin(), features.end(), 0.0) / static_cast<double>(features.size());
  CHECK(mean == Approx(0.2860).margin(5e-5));
  CHECK(std::inner_product(features.begin(), features.end(), features.begin(), 0.0) /
                static_cast<double>(features.size()) -
            mean * mean ==
        Approx(0.3530 * 0.3530).margin(1e-4));

  const Description description = describe(data).value();
  CHECK(description.rows == 60000);
  CHECK(description.shape == std::vector<std::int64_t>{28, 28});
  REQUIRE(description.classes.size() == 10);
  for (const auto& [label, rows] : description.classes) CHECK(rows == 6000);
}

}  // namespace
}  // namespace fed::data
