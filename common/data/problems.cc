#include "data/problems.h"

#include <fmt/format.h>

namespace fed::data {

void Problems::add(std::string sentence) {
  ++count_;
  if (shown_.size() < kShownMax) shown_.push_back(std::move(sentence));
}

Status Problems::status() const {
  if (empty()) return {};
  if (count_ == 1) return Error{ErrorCode::invalid, file_ + ": " + shown_[0]};
  const bool all = static_cast<std::size_t>(count_) == shown_.size();
  std::string detail = fmt::format("{} has {} problems", file_, count_);
  detail += all ? ":" : fmt::format(", the first {}:", shown_.size());
  for (const std::string& sentence : shown_) detail += "\n  " + sentence;
  return Error{ErrorCode::invalid, std::move(detail)};
}

}  // namespace fed::data
