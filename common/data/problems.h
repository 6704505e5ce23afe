// What is wrong with a file: the first problems in full and the count of all, so that a person
// repairs it once.
//
// One owner, not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace fed::data {

class Problems {
 public:
  static constexpr std::size_t kShownMax = 20;

  explicit Problems(const fs::path& file) : file_(file.string()) {}

  // `sentence` begins where it is ("line 17, column \"age\": ...") and has no full stop.
  void add(std::string sentence);

  bool empty() const { return count_ == 0; }
  std::int64_t count() const { return count_; }

  // Success if there are none. One: ErrorCode::invalid, "FILE: sentence". Several: "FILE has 37
  // problems, the first 20:" and one line for each.
  Status status() const;

 private:
  std::string file_;
  std::vector<std::string> shown_;
  std::int64_t count_ = 0;
};

}  // namespace fed::data
