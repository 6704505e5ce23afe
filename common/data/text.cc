#include "data/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "config/suggest.h"

namespace fed::data {
namespace {

constexpr std::size_t kQuotedMax = 40;
constexpr std::size_t kListedMax = 10;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// Bytes of the UTF-8 character that `text` begins with, 0 if it begins with none.
std::size_t character_bytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = first < 0x80   ? 1
                            : first < 0xc2 ? 0
                            : first < 0xe0 ? 2
                            : first < 0xf0 ? 3
                            : first < 0xf5 ? 4
                                           : 0;
  if (bytes > text.size()) return 0;
  const auto follows = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  const auto rest = text.substr(std::min<std::size_t>(1, bytes), bytes == 0 ? 0 : bytes - 1);
  return std::all_of(rest.begin(), rest.end(), follows) ? bytes : 0;
}

// The value that std::from_chars reads from all of `cell`, which may lie beyond a float's.
struct Parsed {
  double value = 0;
  bool whole = false;         // all of the cell is one number
  bool out_of_range = false;  // of a double
};

Parsed parse(std::string_view cell) {
  if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
  Parsed parsed;
  const char* end = cell.data() + cell.size();
  const auto [at, error] = std::from_chars(cell.data(), end, parsed.value);
  parsed.whole = !cell.empty() && at == end && error != std::errc::invalid_argument;
  parsed.out_of_range = error == std::errc::result_out_of_range;
  return parsed;
}

}  // namespace

std::string_view trim(std::string_view cell) {
  const std::size_t begin = cell.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return cell.substr(begin, cell.find_last_not_of(" \t") - begin + 1);
}

bool is_missing(std::string_view cell) { return cell.empty() || cell == "?" || cell == "NA"; }

std::optional<double> parse_number(std::string_view cell) {
  const Parsed parsed = parse(cell);
  if (!parsed.whole || parsed.out_of_range) return std::nullopt;
  // A comparison that is false for NaN too.
  if (!(std::fabs(parsed.value) <= std::numeric_limits<float>::max())) return std::nullopt;
  return parsed.value;
}

std::string why_not_a_number(std::string_view cell) {
  const Parsed parsed = parse(cell);
  if (parsed.whole && !parsed.out_of_range && !std::isfinite(parsed.value)) {
    return in_quotes(cell) + " is not a finite number; a missing value is empty, ? or NA";
  }
  if (parsed.whole) return in_quotes(cell) + " is beyond the range of a 32-bit float";
  if (std::count(cell.begin(), cell.end(), ',') == 1) {
    std::string repaired(cell);
    repaired[repaired.find(',')] = '.';
    if (parse_number(repaired)) return in_quotes(cell) + " is not a number; decimals take a point";
  }
  return in_quotes(cell) + " is not a number";
}

std::string in_quotes(std::string_view cell) {
  std::string result = "\"";
  std::size_t characters = 0;
  for (std::size_t at = 0; at < cell.size(); ++characters) {
    if (characters == kQuotedMax) return result + "...\"";
    const std::size_t bytes = character_bytes(cell.substr(at));
    const auto first = static_cast<unsigned char>(cell[at]);
    if (bytes == 0 || first < 0x20 || first == 0x7f) {
      result += fmt::format("\\x{:02x}", first);
      ++at;
    } else {
      result += cell.substr(at, bytes);
      at += bytes;
    }
  }
  return result + "\"";
}

std::string listed(std::span<const std::string> names) {
  std::string result;
  const std::size_t shown = std::min(names.size(), kListedMax);
  for (std::size_t i = 0; i < shown; ++i) result += (i == 0 ? "" : ", ") + in_quotes(names[i]);
  if (shown < names.size()) result += fmt::format(" and {} more", names.size() - shown);
  return result;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  std::vector<std::string> lowered;
  for (const std::string& candidate : candidates) lowered.push_back(lower(candidate));
  const std::string wanted = lower(name);
  const auto found = config::nearest(wanted, lowered);
  if (!found || found->empty()) return "";
  if (wanted.size() < 3 && *found != wanted) return "";  // too short to share anything
  const auto at = std::find(lowered.begin(), lowered.end(), *found) - lowered.begin();
  return "; did you mean " + in_quotes(candidates[static_cast<std::size_t>(at)]) + "?";
}

}  // namespace fed::data
