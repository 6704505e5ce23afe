// The data of a trial: one data set as a person names it, cut into a part for each virtual client.
//
// The parts are files like those of real sites, in a folder that goes with the object, so that the
// clients' own code reads them. Copies share it; used from one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/data.h"
#include "data/split.h"

namespace fed::sim {

struct DataChoice {
  std::string data;   // a folder of IDX files, csv:FILE or idx:IMAGES,LABELS
  std::string test;   // the same; empty: the t10k or test files of the folder, if there are some
  std::string label;  // csv: the column of the class
  std::optional<double> test_fraction;  // kept by each client; none: 0 if there are test files
};

struct DataPlan {
  config::DataSpec train;
  std::optional<config::DataSpec> test;  // for the server
};

// not_found or invalid, with what was looked for.
Result<DataPlan> plan_data(const DataChoice& choice);

class TrialParts {
 public:
  struct Part {
    config::DataSpec data;
    std::int64_t rows = 0;
  };

  static Result<TrialParts> cut(const config::DataSpec& data, const data::Scheme& scheme,
                                std::int64_t clients, std::uint64_t seed);

  const std::vector<Part>& parts() const { return parts_; }

  TrialParts() = default;

 private:
  class Folder;
  std::shared_ptr<const Folder> folder_;
  std::vector<Part> parts_;
};

}  // namespace fed::sim
