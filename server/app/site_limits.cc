#include "app/site_limits.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace fed::app {
namespace {

constexpr double kBytesPerMbit = 1e6 / 8;

double transfer_s(std::uint64_t bytes, double mbit_s) {
  return mbit_s > 0 ? static_cast<double>(bytes) / (mbit_s * kBytesPerMbit) : 0;
}

std::string duration(double s) {
  if (s < 120) return fmt::format("{:.0f} s", s);
  if (s < 7200) return fmt::format("{:.0f} min", s / 60);
  return fmt::format("{:.1f} h", s / 3600);
}

}  // namespace

std::optional<Instant> SiteLimits::changes_at() const {
  if (said.change_s <= 0) return std::nullopt;
  constexpr double kSecondsMax = 1e8;  // three years: beyond any week, within any clock
  return at + from_seconds(std::min(said.change_s, kSecondsMax));
}

double least_seconds(const wire::Availability& site, const TaskCost& cost) {
  const double line = transfer_s(cost.down_bytes, site.download_mbit_s) +
                      transfer_s(cost.up_bytes, site.upload_mbit_s);
  return std::max(cost.measured_s.value_or(0), line);
}

std::optional<std::string> why_not(const SiteLimits& site, const TaskCost& cost, double round_s_max,
                                   Instant now) {
  if (!site.said.open) return "outside its site's hours";
  const double needed = least_seconds(site.said, cost);
  const double line = least_seconds(site.said, {std::nullopt, cost.down_bytes, cost.up_bytes});
  if (line > round_s_max) {
    return fmt::format(
        "the rates of its site ({}) need {} for the model and the update, more than the {} that a "
        "round lasts at most",
        limits_text(site.said), duration(line), duration(round_s_max));
  }
  const auto end = site.changes_at();
  if (!end || now + from_seconds(needed) <= *end) return std::nullopt;
  return fmt::format("its site's hours end in {}; its tasks take {}",
                     duration(std::max(0.0, seconds(*end - now))), duration(needed));
}

std::optional<Instant> latest_start(const SiteLimits& site, const TaskCost& cost) {
  const auto end = site.changes_at();
  if (!site.said.open || !end) return std::nullopt;
  return *end - from_seconds(least_seconds(site.said, cost));
}

std::string rest_text(const SiteLimits& site, Instant now, std::int64_t unix_now) {
  const auto end = site.changes_at();
  if (!end) return "resting";
  const double left = std::max(0.0, seconds(*end - now));
  const auto then = static_cast<std::time_t>(unix_now + static_cast<std::int64_t>(left + 0.5));
  const std::tm local = fmt::localtime(then);
  return left < 86400 ? fmt::format("resting until {:%H:%M}", local)
                      : fmt::format("resting until {:%a %H:%M}", local);
}

std::string limits_text(const wire::Availability& site) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (site.upload_mbit_s > 0) add(fmt::format("{} Mbit/s up", site.upload_mbit_s));
  if (site.download_mbit_s > 0) add(fmt::format("{} Mbit/s down", site.download_mbit_s));
  if (site.change_s > 0 && !site.detail.empty()) add("hours " + site.detail);
  return text;
}

}  // namespace fed::app
