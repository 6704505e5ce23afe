#include "app/privacy_ledger.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>
#include <sstream>

#include "base/log.h"
#include "privacy/sampled_gaussian.h"

namespace fed::app {
namespace {

constexpr std::uint64_t kLedgerBytesMax = std::uint64_t{1} << 30;

// The whole of it and nothing else; nothing for anything else.
template <class Number>
std::optional<Number> number(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<privacy::RdpCurve> cost_of(double noise_multiplier) {
  return privacy::sampled_gaussian_curve(1, noise_multiplier);
}

struct Line {
  std::string job;
  std::int64_t task = 0;
  double noise_multiplier = 0;
};

std::optional<Line> parse_line(const std::string& text) {
  std::istringstream words(text);
  std::string job, task, noise, more;
  if (!(words >> job >> task >> noise) || words >> more) return std::nullopt;
  const auto number_of_task = number<std::int64_t>(task);
  const auto multiplier = number<double>(noise);
  if (!number_of_task || !multiplier) return std::nullopt;
  return Line{job, *number_of_task, *multiplier};
}

}  // namespace

Status PrivacyLedger::load() {
  if (loaded_) return {};
  const auto there = disk_->inspect(file_);
  if (!there && there.error().code != ErrorCode::not_found) return there.error();
  if (there) {
    FED_ASSIGN(bytes, read_file(*disk_, file_, kLedgerBytesMax));
    text_.assign(bytes.begin(), bytes.end());
  }
  std::set<Key> tasks;
  privacy::RdpCurve spent;
  std::map<double, privacy::RdpCurve> costs;
  std::size_t at = 0;
  for (std::size_t end; (end = text_.find('\n', at)) != std::string::npos; at = end + 1) {
    const auto line = parse_line(text_.substr(at, end - at));
    if (!line) break;
    auto cost = costs.find(line->noise_multiplier);
    if (cost == costs.end()) {
      const auto found = cost_of(line->noise_multiplier);
      if (!found) break;
      cost = costs.emplace(line->noise_multiplier, *found).first;
    }
    if (tasks.insert({line->job, line->task}).second) spent += cost->second;
  }
  if (at != text_.size()) {
    log::error("{} is no privacy ledger any more, from byte {}: restore it from a backup",
               file_.string(), at);
    return Error{ErrorCode::malformed,
                 "this site's privacy ledger is damaged, so it trains for no job with privacy; its "
                 "own log says which file"};
  }
  tasks_ = std::move(tasks);
  spent_ = spent;
  loaded_ = true;
  return {};
}

Status PrivacyLedger::check_limit(const privacy::RdpCurve& spent) const {
  if (limit_.epsilon_max == 0) return {};
  FED_ASSIGN(promise, privacy::epsilon_at(spent, limit_.delta));
  if (promise.epsilon <= limit_.epsilon_max) return {};
  return Error{ErrorCode::unsupported,
               fmt::format("this site's privacy budget is spent: with this task its epsilon would "
                           "be {:.4g} at delta {:.3g}, and its limit is {:.4g} "
                           "(jobs.privacy.epsilon_max in its client.json)",
                           promise.epsilon, limit_.delta, limit_.epsilon_max)};
}

Status PrivacyLedger::enter(const Key& key, double noise_multiplier) {
  std::string text = text_ + fmt::format("{} {} {}\n", key.first, key.second, noise_multiplier);
  FED_TRY(replace_file(*disk_, file_, view(text), Durability::power));
  text_ = std::move(text);
  tasks_.insert(key);
  return {};
}

Status PrivacyLedger::spend(const config::JobSpec& job, std::int64_t task) {
  if (!job.privacy) return {};
  FED_TRY(load());
  const Key key{job.name, task};
  if (tasks_.contains(key)) return {};
  const double noise_multiplier = job.privacy->noise_multiplier;
  FED_ASSIGN(cost, cost_of(noise_multiplier));
  const privacy::RdpCurve spent = spent_ + cost;
  FED_TRY(check_limit(spent));
  FED_TRY(enter(key, noise_multiplier));
  spent_ = spent;
  return {};
}

Result<std::size_t> PrivacyLedger::tasks() {
  FED_TRY(load());
  return tasks_.size();
}

Result<double> PrivacyLedger::epsilon() {
  FED_TRY(load());
  FED_ASSIGN(promise, privacy::epsilon_at(spent_, limit_.delta));
  return promise.epsilon;
}

}  // namespace fed::app
