#include "app/privacy_ledger.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <sstream>

#include "base/log.h"

namespace fed::app {
namespace {

using privacy::Mechanism;

constexpr std::uint64_t kLedgerBytesMax = std::uint64_t{1} << 30;

// The whole of it and nothing else; nothing for anything else.
template <class Number>
std::optional<Number> number(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// What a line says of the noise, and back.
std::string describe(const privacy::PlanRequest& request) {
  std::string text = fmt::format("{}", *request.noise_multiplier);
  if (request.mechanism == Mechanism::central_gaussian) return text;
  text += std::string(" ") + privacy::name(request.mechanism);
  if (request.mechanism != Mechanism::distributed_gaussian) return text;
  const privacy::DistributedSetting& setting = request.distributed;
  return text + fmt::format(" {} {} {} {}", setting.survivors_min, setting.dimension,
                            setting.clip_steps, setting.beta);
}

std::optional<privacy::PlanRequest> described(const std::string& text) {
  std::istringstream words(text);
  std::string noise, mechanism, survivors, dimension, steps, beta, more;
  words >> noise;
  privacy::PlanRequest request;
  request.noise_multiplier = number<double>(noise);
  if (words >> mechanism) {
    const auto named = privacy::mechanism_named(mechanism);
    if (!named || *named == Mechanism::central_gaussian) return std::nullopt;
    request.mechanism = *named;
  }
  if (request.mechanism == Mechanism::distributed_gaussian) {
    words >> survivors >> dimension >> steps >> beta;
    const auto clients = number<std::uint64_t>(survivors);
    const auto coordinates = number<std::uint64_t>(dimension);
    const auto clip = number<double>(steps), bias = number<double>(beta);
    if (!clients || !coordinates || !clip || !bias) return std::nullopt;
    request.distributed = {*clients, *coordinates, *clip, *bias};
  }
  if (!request.noise_multiplier || words >> more) return std::nullopt;
  return request;
}

struct Line {
  std::string job;
  std::int64_t task = 0;
  std::string noise;
};

std::optional<Line> parse_line(const std::string& text) {
  const std::size_t job_end = text.find(' '), task_end = text.find(' ', job_end + 1);
  if (job_end == 0 || job_end == std::string::npos || task_end == std::string::npos) {
    return std::nullopt;
  }
  const auto task = number<std::int64_t>(text.substr(job_end + 1, task_end - job_end - 1));
  if (!task) return std::nullopt;
  return Line{text.substr(0, job_end), *task, text.substr(task_end + 1)};
}

bool is_of_server(const std::string& noise) { return noise.find(' ') == std::string::npos; }

}  // namespace

Result<privacy::RdpCurve> PrivacyLedger::cost_of(const std::string& noise) {
  if (const auto known = costs_.find(noise); known != costs_.end()) return known->second;
  const auto request = described(noise);
  if (!request) return Error{ErrorCode::malformed, "\"" + noise + "\" says no noise"};
  FED_ASSIGN(cost, privacy::round_cost(*request, *request->noise_multiplier));
  costs_.emplace(noise, cost);
  return cost;
}

// How far the text can be read.
Result<std::size_t> PrivacyLedger::read(const std::string& text) {
  of_server_.clear();
  spent_ = {};
  entries_ = 0;
  std::size_t at = 0;
  for (std::size_t end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const auto line = parse_line(text.substr(at, end - at));
    if (!line) break;
    const auto cost = cost_of(line->noise);
    if (!cost) break;
    if (is_of_server(line->noise) && !of_server_.insert({line->job, line->task}).second) continue;
    spent_ += *cost;
    ++entries_;
  }
  return at;
}

Status PrivacyLedger::load() {
  if (loaded_) return {};
  const auto there = disk_->inspect(file_);
  if (!there && there.error().code != ErrorCode::not_found) return there.error();
  text_.clear();
  if (there) {
    FED_ASSIGN(bytes, read_file(*disk_, file_, kLedgerBytesMax));
    text_.assign(bytes.begin(), bytes.end());
  }
  FED_ASSIGN(end, read(text_));
  if (end != text_.size()) {
    log::error("{} is no privacy ledger any more, from byte {}: restore it from a backup",
               file_.string(), end);
    return Error{ErrorCode::malformed,
                 "this site's privacy ledger is damaged, so it trains for no job with privacy; its "
                 "own log says which file"};
  }
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

Result<PrivacyLedger::Next> PrivacyLedger::weigh(const std::string& job, std::int64_t task,
                                                 const privacy::PlanRequest& request) {
  FED_TRY(load());
  const std::string noise = describe(request);
  if (is_of_server(noise) && of_server_.contains({job, task})) return Next{{}, spent_};
  FED_ASSIGN(cost, cost_of(noise));
  Next next{fmt::format("{} {} {}\n", job, task, noise), spent_ + cost};
  FED_TRY(check_limit(next.spent));
  return next;
}

Status PrivacyLedger::check(const std::string& job, std::int64_t task,
                            const privacy::PlanRequest& request) {
  const std::lock_guard lock(mutex_);
  FED_TRY(weigh(job, task, request));
  return {};
}

Status PrivacyLedger::spend(const std::string& job, std::int64_t task,
                            const privacy::PlanRequest& request) {
  const std::lock_guard lock(mutex_);
  FED_ASSIGN(next, weigh(job, task, request));
  if (next.line.empty()) return {};
  std::string text = text_ + next.line;
  FED_TRY(replace_file(*disk_, file_, view(text), Durability::power));
  text_ = std::move(text);
  spent_ = next.spent;
  ++entries_;
  if (request.mechanism == Mechanism::central_gaussian) of_server_.insert({job, task});
  return {};
}

Result<std::size_t> PrivacyLedger::entries() {
  const std::lock_guard lock(mutex_);
  FED_TRY(load());
  return entries_;
}

Result<double> PrivacyLedger::epsilon() {
  const std::lock_guard lock(mutex_);
  FED_TRY(load());
  FED_ASSIGN(promise, privacy::epsilon_at(spent_, limit_.delta));
  return promise.epsilon;
}

}  // namespace fed::app
