#include "app/privacy_ledger.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "app/privacy_line.h"
#include "base/log.h"

namespace fed::app {
namespace {

constexpr std::uint64_t kLedgerBytesMax = std::uint64_t{1} << 30;

Status check_epsilon(const privacy::RdpCurve& spent, double delta, double most, const char* whose,
                     const char* key) {
  FED_ASSIGN(promise, privacy::epsilon_at(spent, delta));
  if (promise.epsilon <= most) return {};
  return Error{ErrorCode::unsupported,
               fmt::format("{} privacy budget is spent: with this task its epsilon would be {:.4g} "
                           "at delta {:.3g}, and its limit is {:.4g} ({})",
                           whose, promise.epsilon, delta, most, key)};
}

// To the server's operator, who reads it in its log.
Error gone_back(std::int64_t task, std::int64_t accepted) {
  return {
      ErrorCode::unsupported,
      fmt::format("task {} is not given again: cancel the job, and submit it under another name. "
                  "The server has said before that it has this client's updates up to task {}: "
                  "its state seems to have been restored from a backup (or this is another job "
                  "of the same name), and counts less than is spent",
                  task, accepted)};
}

}  // namespace

Result<privacy::RdpCurve> PrivacyLedger::cost_of(const std::string& noise) {
  if (const auto known = costs_.find(noise); known != costs_.end()) return known->second;
  const auto request = noise_from(noise);
  if (!request) return Error{ErrorCode::malformed, "\"" + noise + "\" says no noise"};
  FED_ASSIGN(cost, privacy::round_cost(*request, *request->noise_multiplier));
  costs_.emplace(noise, cost);
  return cost;
}

const PrivacyLedger::Account& PrivacyLedger::account(const std::string& job) const {
  static const Account none;
  const auto at = jobs_.find(job);
  return at == jobs_.end() ? none : at->second;
}

// Whether it is a line.
bool PrivacyLedger::count(const std::string& text) {
  const auto line = privacy_line(text);
  if (!line) return false;
  if (line->what == kLostTask) {
    ++lost_;
    return true;
  }
  Account& account = jobs_[line->job];
  if (line->what == kAcceptedTask) {
    account.accepted = std::max(account.accepted, line->task);
    return true;
  }
  const auto cost = cost_of(line->what);
  if (!cost) return false;
  account.entered.insert(line->task);
  if (is_of_server(line->what) && !account.of_server.insert(line->task).second) return true;
  spent_ += *cost;
  ++account.draws[line->what];
  ++entries_;
  return true;
}

// How far they can be read.
std::size_t PrivacyLedger::read(const std::string& lines) {
  std::size_t at = 0;
  for (std::size_t end; (end = lines.find('\n', at)) != std::string::npos; at = end + 1) {
    if (!count(lines.substr(at, end - at))) break;
  }
  return at;
}

Status PrivacyLedger::load_file() {
  if (loaded_) return {};
  const auto there = disk_->inspect(file_);
  if (!there && there.error().code != ErrorCode::not_found) return there.error();
  text_.clear();
  jobs_.clear();
  spent_ = {};
  entries_ = lost_ = 0;
  is_new_ = !there;
  if (there) {
    FED_ASSIGN(bytes, read_file(*disk_, file_, kLedgerBytesMax));
    text_.assign(bytes.begin(), bytes.end());
  }
  const std::size_t end = read(text_);
  if (end != text_.size()) {
    return Error{ErrorCode::malformed,
                 fmt::format("{} is no privacy ledger any more, from byte {}: restore it from a "
                             "backup; until then this site does no task of a job with privacy",
                             file_.string(), end)};
  }
  loaded_ = true;
  return {};
}

// What is wrong with the file is for this site alone.
Status PrivacyLedger::load() {
  const Status loaded = load_file();
  if (loaded) return loaded;
  const ErrorCode code = loaded.error().code;
  if (code != ErrorCode::malformed && code != ErrorCode::too_large) return loaded;
  log::error("{}", loaded.error().detail);
  return Error{ErrorCode::malformed,
               "this site's privacy ledger is damaged, so it trains for no job with privacy; its "
               "own log says which file"};
}

// Loaded, and nothing is owed.
Status PrivacyLedger::ready() {
  FED_TRY(load());
  return owed_.empty() ? Status() : write({});
}

Status PrivacyLedger::write(const std::string& lines) {
  std::string text = text_ + owed_ + lines;
  FED_TRY(replace_file(*disk_, file_, view(text), Durability::power));
  if (std::exchange(is_new_, false)) {
    log::info("{}: there was no privacy ledger, so a new one is begun", file_.string());
  }
  text_ = std::move(text);
  owed_.clear();
  FED_CHECK(read(lines) == lines.size());
  return {};
}

Status PrivacyLedger::check_limit(const privacy::RdpCurve& spent) const {
  if (limit_.epsilon_max == 0) return {};
  return check_epsilon(spent, limit_.delta, limit_.epsilon_max, "this site's",
                       "jobs.privacy.epsilon_max in its client.json");
}

// Added up as the server works out how many rounds it can pay for, so that rounding makes neither
// side the stricter one.
Status PrivacyLedger::check_job(const Account& account, const std::string& noise,
                                const privacy::PlanRequest& request) {
  if (!request.epsilon) return {};
  auto draws = account.draws;
  ++draws[noise];
  privacy::RdpCurve spent;
  for (const auto& [each, times] : draws) {
    FED_ASSIGN(cost, cost_of(each));
    spent += cost.times(static_cast<double>(times));
  }
  return check_epsilon(spent, request.delta, *request.epsilon, "the job's",
                       "privacy.epsilon_max of the job, by this client's own ledger");
}

// The line to enter; empty: it was paid for.
Result<std::string> PrivacyLedger::weigh(const std::string& job, std::int64_t task,
                                         const privacy::PlanRequest& request) {
  FED_TRY(ready());
  const Account& known = account(job);
  if (task <= known.accepted) return gone_back(task, known.accepted);
  const std::string noise = noise_text(request);
  if (is_of_server(noise) && known.of_server.contains(task)) return std::string();
  FED_ASSIGN(cost, cost_of(noise));
  FED_TRY(check_limit(spent_ + cost));
  FED_TRY(check_job(known, noise, request));
  return text_of({job, task, noise});
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
  FED_ASSIGN(line, weigh(job, task, request));
  return line.empty() ? Status() : write(line);
}

Status PrivacyLedger::make_good(const std::string& job, std::span<const std::int64_t> counted,
                                const privacy::PlanRequest& request) {
  const std::lock_guard lock(mutex_);
  FED_TRY(ready());
  const std::set<std::int64_t>& entered = account(job).entered;
  std::vector<std::int64_t> missing;
  std::copy_if(counted.begin(), counted.end(), std::back_inserter(missing),
               [&](std::int64_t task) { return !entered.contains(task); });
  if (missing.empty()) return {};
  const std::string noise = noise_text(request);
  FED_TRY(cost_of(noise));
  std::string lines;
  for (const std::int64_t task : missing) {
    lines += text_of({job, task, kLostTask}) + text_of({job, task, noise});
  }
  lines += text_of({job, counted.back(), kAcceptedTask});
  constexpr std::size_t kNamed = 20;
  const std::span named(missing.begin(), std::min(missing.size(), kNamed));
  log::error(
      "ALARM: {} lacks {} tasks of job {} that the server has updates of ({}{}): it has gone back "
      "to an older state, as one does when a backup or a snapshot of the machine is restored, or "
      "another copy of this client is running. They are entered as spent. What else was lost, of "
      "other jobs and of sums that were tried again, is not known here: if a later copy of the "
      "ledger is left, stop this client and bring it back",
      file_.string(), missing.size(), job, fmt::join(named, ", "),
      missing.size() > kNamed ? ", ..." : "");
  return write(lines);
}

Status PrivacyLedger::acknowledge(const std::string& job, std::int64_t task) {
  const std::lock_guard lock(mutex_);
  FED_TRY(load());
  const auto at = jobs_.find(job);
  if (at == jobs_.end() || task <= at->second.accepted) return ready();
  at->second.accepted = task;
  owed_ += text_of({job, task, kAcceptedTask});
  return ready();
}

// By what has cost least so far.
Result<bool> PrivacyLedger::is_spent() {
  if (limit_.epsilon_max == 0 || entries_ == 0) return false;
  for (const auto& [job, account] : jobs_) {
    for (const auto& [noise, times] : account.draws) {
      FED_ASSIGN(cost, cost_of(noise));
      if (check_limit(spent_ + cost)) return false;
    }
  }
  return true;
}

Status PrivacyLedger::check_room(const privacy::PlanRequest& request) {
  const std::lock_guard lock(mutex_);
  FED_TRY(load_file());
  FED_ASSIGN(cost, cost_of(noise_text(request)));
  return check_limit(spent_ + cost);
}

Result<PrivacyLedger::Overview> PrivacyLedger::overview() {
  const std::lock_guard lock(mutex_);
  FED_TRY(load_file());
  FED_ASSIGN(promise, privacy::epsilon_at(spent_, limit_.delta));
  FED_ASSIGN(spent, is_spent());
  return Overview{entries_, lost_, promise.epsilon, spent};
}

Result<std::size_t> PrivacyLedger::entries() {
  const std::lock_guard lock(mutex_);
  FED_TRY(load());
  return entries_;
}

Result<std::size_t> PrivacyLedger::lost() {
  const std::lock_guard lock(mutex_);
  FED_TRY(load());
  return lost_;
}

Result<double> PrivacyLedger::epsilon() {
  const std::lock_guard lock(mutex_);
  FED_TRY(load());
  FED_ASSIGN(promise, privacy::epsilon_at(spent_, limit_.delta));
  return promise.epsilon;
}

}  // namespace fed::app
