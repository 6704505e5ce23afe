// The parts of the csv format that have a file of their own; see source.h for what they do.
#pragma once

#include "data/source.h"

namespace fed::data {

Result<Description> describe_csv(const config::DataSpec& data);
Result<std::vector<std::uint32_t>> classes_of_csv(const config::DataSpec& data);
Status write_csv_parts(const config::DataSpec& data, std::span<const std::uint32_t> part_of_row,
                       std::span<const fs::path> folders);

}  // namespace fed::data
