#include "sim/trial_data.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>

#include "base/disk.h"
#include "data/source.h"

namespace fed::sim {
namespace {

using Format = config::DataSpec::Format;

// The files of a folder whose names have one of the words and `kind`, in order.
std::vector<fs::path> files_with(const fs::path& folder, std::initializer_list<const char*> words,
                                 const char* kind) {
  std::vector<fs::path> found;
  const auto files = real_disk().list(folder);
  for (const fs::path& path : files ? *files : std::vector<fs::path>()) {
    const std::string name = path.filename().string();
    const bool wanted = std::any_of(words.begin(), words.end(), [&](const char* word) {
      return name.find(word) != std::string::npos;
    });
    if (wanted && name.find(kind) != std::string::npos) found.push_back(path);
  }
  return found;
}

std::optional<config::DataSpec> pair_in(const fs::path& folder,
                                        std::initializer_list<const char*> words) {
  const auto images = files_with(folder, words, "images");
  const auto labels = files_with(folder, words, "labels");
  if (images.size() != 1 || labels.size() != 1) return std::nullopt;
  config::DataSpec data;
  data.format = Format::idx;
  data.images = images[0];
  data.labels = labels[0];
  return data;
}

Result<config::DataSpec> parse(const std::string& text, const std::string& label) {
  config::DataSpec data;
  if (text.starts_with("csv:")) {
    data.format = Format::csv;
    data.path = fs::absolute(text.substr(4));
    data.label = label;
    return data;
  }
  const std::size_t comma = text.find(',');
  if (text.starts_with("idx:") && comma != std::string::npos) {
    data.format = Format::idx;
    data.images = fs::absolute(text.substr(4, comma - 4));
    data.labels = fs::absolute(text.substr(comma + 1));
    return data;
  }
  if (auto pair = pair_in(fs::absolute(text), {"train"})) return *std::move(pair);
  return Error{ErrorCode::invalid,
               "\"" + text +
                   "\" is no data set: name a folder with train-images... and train-labels..., "
                   "csv:FILE or idx:IMAGES,LABELS"};
}

}  // namespace

Result<DataPlan> plan_data(const DataChoice& choice) {
  DataPlan plan;
  FED_ASSIGN(train, parse(choice.data, choice.label));
  plan.train = std::move(train);
  if (!choice.test.empty()) {
    FED_ASSIGN(test, parse(choice.test, choice.label));
    plan.test = std::move(test);
  } else if (choice.data.find(':') == std::string::npos) {
    plan.test = pair_in(fs::absolute(choice.data), {"t10k", "test"});
  }
  plan.train.test_fraction = choice.test_fraction.value_or(plan.test ? 0 : 0.2);
  return plan;
}

class TrialParts::Folder {
 public:
  static Result<std::shared_ptr<const Folder>> make() {
    std::string name = (fs::temp_directory_path() / "fedsim-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return from_errno("cannot create " + name, errno);
    return std::make_shared<const Folder>(name);
  }
  explicit Folder(fs::path path) : path_(std::move(path)) {}
  ~Folder() { static_cast<void>(remove_folder(real_disk(), path_)); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  const fs::path path_;
};

Result<TrialParts> TrialParts::cut(const config::DataSpec& data, const data::Scheme& scheme,
                                   std::int64_t clients, std::uint64_t seed) {
  TrialParts trial;
  FED_ASSIGN(folder, Folder::make());
  trial.folder_ = std::move(folder);
  FED_ASSIGN(parts, data::split(data, scheme, clients, seed, trial.folder_->path()));
  for (const data::Part& part : parts) {
    Part made{data, part.rows};
    if (data.format == Format::csv) {
      made.data.path = part.folder / "data.csv";
    } else {
      const auto pair = pair_in(part.folder, {"train"});
      if (!pair) return Error{ErrorCode::not_found, "no images in " + part.folder.string()};
      made.data.images = pair->images;
      made.data.labels = pair->labels;
    }
    trial.parts_.push_back(std::move(made));
  }
  return trial;
}

}  // namespace fed::sim
