// A site's data set as the rest of the program sees it, whatever its files are: opened (and checked
// to the last row), summed for the federated scaling, loaded as examples; described for `fedclient
// check`; cut for `fedclient split`.
//
// A format is one file and one line of formats.def; each passes the conformance test of
// tests/common/data.
//
// Errors name the file, the place and what was expected. They may quote cells: they are for the log
// and the terminal of the machine that holds the data, and must not be sent to the server, which is
// told only that the data of this site cannot be used.
//
// Free functions, thread-safe. A Source is immutable once open, but reads its files again for
// `statistics` and `load`; a file that changed meanwhile is ErrorCode::mismatch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "config/data.h"
#include "data/columns.h"
#include "data/describe.h"
#include "data/split.h"
#include "data/statistics.h"
#include "model/dataset.h"

namespace fed::data {

inline constexpr std::int64_t kRowsMax = 0xffff'ffff;            // of a file
inline constexpr std::uint64_t kExamplesBytesMax = 64ull << 30;  // of one file, loaded

class Source {
 public:
  virtual ~Source() = default;

  virtual std::int64_t inputs() const = 0;  // features a row
  virtual std::int64_t train_rows() const = 0;
  virtual std::int64_t test_rows() const = 0;  // from the test files, or held out

  // What the site sends for "scaling": "federated", from training rows only (statistics.h). Empty
  // for a format, or a job, without number columns.
  virtual Result<std::vector<double>> statistics() const = 0;

  // Train and holdout, each in the order of the file. `federated`: the scaling that the server
  // answered, or empty if the job's scaling is another.
  virtual Result<model::Dataset> load(std::span<const Scaling> federated) const = 0;
};

// Reads everything once and reports up to Problems::kShownMax problems together. A data set without
// rows to train on (or, at test_fraction 1, to test with) is one.
Result<std::unique_ptr<Source>> open(const config::DataSpec& data, const Expectation& expectation);

// Needs no job. Test files are not looked at.
Result<Description> describe(const config::DataSpec& data);

struct Part {
  fs::path folder;
  std::int64_t rows = 0;
};

// Cuts the data set (not its test files) into `clients` parts by `scheme` and writes each into a
// folder of its own, FOLDER/client-01 and so on, in the same format: data.csv with the header and
// the rows' own text, or train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz. Every row is in
// exactly one part; rows keep their order. ErrorCode::already_exists if such a folder is there;
// nothing is overwritten.
Result<std::vector<Part>> split(const config::DataSpec& data, const Scheme& scheme,
                                std::int64_t clients, std::uint64_t seed, const fs::path& folder);

// What a format provides; see formats.def.
struct Format {
  std::string_view name;
  Result<std::unique_ptr<Source>> (*open)(const config::DataSpec&, const Expectation&);
  Result<Description> (*describe)(const config::DataSpec&);
  // The class of each row, numbered in any way; one class for all if the data section names no
  // label.
  Result<std::vector<std::uint32_t>> (*classes)(const config::DataSpec&);
  // Writes the rows with part_of_row[row] == p into folders[p], which is there and empty.
  Status (*write_parts)(const config::DataSpec&, std::span<const std::uint32_t> part_of_row,
                        std::span<const fs::path> folders);
};

// All of them, in the order of config::DataSpec::Format.
std::span<const Format> formats();

}  // namespace fed::data
