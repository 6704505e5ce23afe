#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "data/holdout.h"
#include "data/idx.h"
#include "data/source.h"

namespace fed::data {
namespace {

Error wrong(std::string detail) { return {ErrorCode::invalid, std::move(detail)}; }

// One file of images and, except for predictions, one of labels.
struct Images {
  fs::path path;
  std::vector<std::int64_t> dimensions{};  // count, then the shape of one
  bool has_labels = false;
  Bytes labels{};

  std::int64_t count() const { return dimensions[0]; }
  std::int64_t inputs() const {
    return std::accumulate(dimensions.begin() + 1, dimensions.end(), std::int64_t{1},
                           std::multiplies{});
  }
};

Result<IdxReader> open_images(const fs::path& path) {
  FED_ASSIGN(reader, IdxReader::open(path));
  if (reader.dimensions().size() < 2) {
    return wrong(path.string() + " has 1 dimension, as labels have; images were expected");
  }
  if (reader.items() == 0 || reader.item_bytes() == 0)
    return wrong(path.string() + " has no images");
  const auto values = static_cast<std::uint64_t>(reader.item_bytes()) + 1;
  if (static_cast<std::uint64_t>(reader.items()) > kExamplesBytesMax / sizeof(float) / values) {
    return Error{ErrorCode::too_large, path.string() + " is too large to be loaded"};
  }
  return reader;
}

Result<Bytes> read_labels(const fs::path& path) {
  FED_ASSIGN(reader, IdxReader::open(path));
  if (reader.dimensions().size() != 1) {
    return wrong(fmt::format("{} has {} dimensions; labels have 1", path.string(),
                             reader.dimensions().size()));
  }
  Bytes labels(static_cast<std::size_t>(reader.items()));
  for (std::uint8_t& label : labels) FED_TRY(reader.read({&label, 1}));
  FED_TRY(reader.finish());
  return labels;
}

Status check_labels(const fs::path& path, const Bytes& labels, std::int64_t classes) {
  const auto outside = std::find_if(labels.begin(), labels.end(),
                                    [&](std::uint8_t label) { return label >= classes; });
  if (classes == 0 || outside == labels.end()) return {};
  return wrong(fmt::format("{}: label {} is {}; the job has the classes 0 to {}", path.string(),
                           outside - labels.begin() + 1, *outside, classes - 1));
}

// Calls `use` with the bytes of each image, in order.
template <class Use>
Status for_each_image(const Images& images, Use use) {
  FED_ASSIGN(reader, open_images(images.path));
  if (!std::equal(images.dimensions.begin(), images.dimensions.end(), reader.dimensions().begin(),
                  reader.dimensions().end())) {
    return Error{ErrorCode::mismatch,
                 images.path.string() + " changed while it was read; start again"};
  }
  Bytes image(static_cast<std::size_t>(images.inputs()));
  for (std::int64_t i = 0; i < images.count(); ++i) {
    FED_TRY(reader.read(image));
    FED_TRY(use(static_cast<std::size_t>(i), ByteView(image)));
  }
  return reader.finish();
}

Result<Images> read_images(const fs::path& images_path, const fs::path& labels_path,
                           std::int64_t classes, bool labels_required) {
  FED_ASSIGN(reader, open_images(images_path));
  Images images{images_path, {reader.dimensions().begin(), reader.dimensions().end()}};
  if (!labels_path.empty() || labels_required) {
    FED_ASSIGN(labels, read_labels(labels_path));
    if (static_cast<std::int64_t>(labels.size()) != images.count()) {
      return Error{ErrorCode::mismatch,
                   fmt::format("{} has {} images, {} has {} labels", images_path.string(),
                               images.count(), labels_path.string(), labels.size())};
    }
    FED_TRY(check_labels(labels_path, labels, classes));
    images.has_labels = true;
    images.labels = std::move(labels);
  }
  FED_TRY(for_each_image(images, [](std::size_t, ByteView) -> Status { return {}; }));
  return images;
}

class IdxSource : public Source {
 public:
  IdxSource(Images images, std::optional<Images> test, std::vector<std::uint8_t> held_out)
      : images_(std::move(images)),
        test_(std::move(test)),
        held_out_(std::move(held_out)),
        held_out_rows_(std::count(held_out_.begin(), held_out_.end(), 1)) {}

  std::int64_t inputs() const override { return images_.inputs(); }
  std::int64_t train_rows() const override { return images_.count() - held_out_rows_; }
  std::int64_t test_rows() const override { return test_ ? test_->count() : held_out_rows_; }

  Result<std::vector<double>> statistics() const override { return std::vector<double>{}; }

  Result<model::Dataset> load(std::span<const Scaling> federated) const override {
    if (!federated.empty()) {
      return Error{ErrorCode::mismatch,
                   "the server sent a scaling of columns, but images have none"};
    }
    FED_ASSIGN(dataset, load_images(images_, held_out_));
    if (!test_) return dataset;
    const std::vector<std::uint8_t> all(static_cast<std::size_t>(test_->count()), 1);
    FED_ASSIGN(test, load_images(*test_, all));
    dataset.holdout = std::move(test.holdout);
    return dataset;
  }

 private:
  static Result<model::Dataset> load_images(const Images& images,
                                            std::span<const std::uint8_t> held_out) {
    DatasetBuilder builder(held_out, images.inputs(), images.has_labels);
    FED_TRY(for_each_image(images, [&](std::size_t i, ByteView image) -> Status {
      const std::span<float> features = builder.add(images.has_labels ? images.labels[i] : 0.0f);
      std::transform(image.begin(), image.end(), features.begin(),
                     [](std::uint8_t pixel) { return static_cast<float>(pixel) / 255.0f; });
      return {};
    }));
    return std::move(builder).report();
  }

  Images images_;
  std::optional<Images> test_;
  std::vector<std::uint8_t> held_out_;  // of images_
  std::int64_t held_out_rows_;
};

Result<std::unique_ptr<Source>> open_idx(const config::DataSpec& data,
                                         const Expectation& expectation) {
  if (expectation.inputs != nullptr) {
    return wrong("the job's \"inputs\" describe a table; this site's data are images (format idx)");
  }
  FED_ASSIGN(images, read_images(data.images, data.labels, expectation.classes,
                                 expectation.labels_required));
  std::optional<Images> test;
  if (!data.test_images.empty()) {
    FED_ASSIGN(read, read_images(data.test_images, data.test_labels, expectation.classes,
                                 expectation.labels_required));
    if (read.inputs() != images.inputs()) {
      return Error{ErrorCode::mismatch,
                   fmt::format("{} has {} values an image, {} has {}", images.path.string(),
                               images.inputs(), read.path.string(), read.inputs())};
    }
    test = std::move(read);
  }
  auto held_out = hold_out(images.count(), test ? 0 : data.test_fraction, data.seed);
  return std::unique_ptr<Source>(
      std::make_unique<IdxSource>(std::move(images), std::move(test), std::move(held_out)));
}

Result<Description> describe_idx(const config::DataSpec& data) {
  FED_ASSIGN(images, read_images(data.images, data.labels, 0, true));
  Description description;
  description.rows = images.count();
  description.shape.assign(images.dimensions.begin() + 1, images.dimensions.end());
  std::array<std::int64_t, 256> counts{};
  for (std::uint8_t label : images.labels) ++counts[label];
  for (std::size_t label = 0; label < counts.size(); ++label) {
    if (counts[label] > 0) description.classes.emplace_back(std::to_string(label), counts[label]);
  }
  return description;
}

Result<std::vector<std::uint32_t>> classes_of_idx(const config::DataSpec& data) {
  FED_ASSIGN(images, read_images(data.images, data.labels, 0, true));
  return std::vector<std::uint32_t>(images.labels.begin(), images.labels.end());
}

// Images of three dimensions, or of one, have a 3 or a 1 in the usual name:
// train-images-idx3-ubyte.gz.
fs::path images_name(std::size_t dimensions) {
  return fmt::format("train-images-idx{}-ubyte.gz", dimensions);
}

Status write_part(const Images& images, const Bytes& values,
                  std::span<const std::uint32_t> part_of_row, std::uint32_t part,
                  const fs::path& folder) {
  std::vector<std::int64_t> dimensions = images.dimensions;
  dimensions[0] = std::count(part_of_row.begin(), part_of_row.end(), part);
  FED_ASSIGN(image_file, create_idx(folder / images_name(dimensions.size()), dimensions));
  FED_ASSIGN(label_file,
             create_idx(folder / "train-labels-idx1-ubyte.gz", std::span(dimensions).first(1)));
  const auto item = static_cast<std::size_t>(images.inputs());
  for (std::size_t i = 0; i < part_of_row.size(); ++i) {
    if (part_of_row[i] != part) continue;
    FED_TRY(image_file.write(ByteView(values).subspan(i * item, item)));
    FED_TRY(label_file.write({&images.labels[i], 1}));
  }
  FED_TRY(image_file.close());
  return label_file.close();
}

Status write_idx_parts(const config::DataSpec& data, std::span<const std::uint32_t> part_of_row,
                       std::span<const fs::path> folders) {
  FED_ASSIGN(images, read_images(data.images, data.labels, 0, true));
  if (part_of_row.size() != images.labels.size()) {
    return Error{ErrorCode::mismatch,
                 data.images.string() + " changed while it was read; start again"};
  }
  Bytes values;
  values.reserve(static_cast<std::size_t>(images.count() * images.inputs()));
  FED_TRY(for_each_image(images, [&](std::size_t, ByteView image) -> Status {
    append(values, image);
    return {};
  }));
  for (std::size_t part = 0; part < folders.size(); ++part) {
    FED_TRY(
        write_part(images, values, part_of_row, static_cast<std::uint32_t>(part), folders[part]));
  }
  return {};
}

}  // namespace

const Format& idx_format() {
  static const Format format{"idx", open_idx, describe_idx, classes_of_idx, write_idx_parts};
  return format;
}

}  // namespace fed::data
