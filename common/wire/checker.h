// What decode asks of the fields of every message. Only for the `.cc` files of this folder.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "wire/messages.h"

namespace fed::wire {

// The first broken rule of a message; readers go on with harmless values after it. Not
// thread-safe: one object per message.
class Checker {
 public:
  void require(bool holds, const char* field) {
    if (!holds && problem_.empty()) problem_ = field;
  }
  const std::string& problem() const { return problem_; }

  std::string text(const flatbuffers::String* from, const char* field, std::size_t max = kTextMax) {
    if (from == nullptr) return {};
    require(from->size() <= max, field);
    return from->str();
  }
  // 1 to 63 of a-z 0-9 _ -, beginning with a letter or digit: it names folders.
  std::string job(const flatbuffers::String* from) {
    std::string value = text(from, "job", 63);
    const auto allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    require(!value.empty() && value[0] != '-' && value[0] != '_', "job");
    for (char c : value) require(allowed(c), "job");
    return value;
  }
  std::int64_t count(std::int64_t value, const char* field) {
    require(value >= 0, field);
    return value;
  }
  double seconds(double value, const char* field) {
    require(std::isfinite(value) && value >= 0, field);
    return value;
  }
  double rate(double value, const char* field) { return seconds(value, field); }
  template <std::size_t N>
  std::array<std::uint8_t, N> array(const flatbuffers::Vector<std::uint8_t>* from,
                                    const char* field) {
    std::array<std::uint8_t, N> value{};
    require(from != nullptr && from->size() == N, field);
    if (from != nullptr && from->size() == N) std::copy(from->begin(), from->end(), value.begin());
    return value;
  }
  // Copied bytes by bytes: the verifier lets a vector of doubles begin at any multiple of four.
  std::vector<double> numbers(const flatbuffers::Vector<double>* from, const char* field) {
    if (from == nullptr) return {};
    require(from->size() <= kColumnsMax, field);
    std::vector<double> values(from->size());
    if (!values.empty()) std::memcpy(values.data(), from->Data(), values.size() * sizeof(double));
    for (double value : values) require(std::isfinite(value), field);
    return values;
  }
  // From 1, ascending, below `end`.
  std::vector<std::int64_t> earlier(const flatbuffers::Vector<std::int64_t>* from, std::int64_t end,
                                    const char* field) {
    if (from == nullptr) return {};
    require(from->size() <= kPrivacyTasksMax, field);
    std::vector<std::int64_t> values(from->size());
    if (values.empty()) return values;
    std::memcpy(values.data(), from->Data(), values.size() * sizeof(std::int64_t));
    require(values.front() >= 1 && values.back() < end, field);
    const auto wrong = std::adjacent_find(values.begin(), values.end(), std::greater_equal<>());
    require(wrong == values.end(), field);
    return values;
  }
  template <class To, class From>
  To tag(From value, From last, const char* field) {
    require(static_cast<std::uint8_t>(value) <= static_cast<std::uint8_t>(last), field);
    return static_cast<To>(value);
  }

 private:
  std::string problem_;
};

}  // namespace fed::wire
