#include "exchange.h"

#include "clocks.h"

namespace fed::bench {
namespace {

constexpr double kConnectSeconds = 120;
constexpr std::uint64_t kLargeModel = 1'000'000;

Error gave_up(const ServerProcess& server, const std::string& waited_for) {
  return {ErrorCode::closed,
          waited_for + " did not come; the server's log ends:\n" + server.last_words()};
}

}  // namespace

RoundWatch::RoundWatch(const ServerProcess& server, std::size_t clients)
    : server_(server), clients_(clients) {
  observer_.welcomed = [this](std::size_t) {
    const std::lock_guard lock(mutex_);
    ++welcomed_;
    changed_.notify_all();
  };
  observer_.asked = [this](std::size_t client, const wire::Task& task) { asked(client, task); };
  observer_.obtained = [this](std::size_t, const wire::Task& task) { obtained(task); };
  observer_.answered = [this](std::size_t, const wire::Receipt& receipt) { answered(receipt); };
  observer_.ended = [this](std::size_t, const std::string&) { ended(); };
}

Moment RoundWatch::moment() const { return {seconds(now() - began_), server_.cpu_seconds()}; }

void RoundWatch::asked(std::size_t client, const wire::Task& task) {
  const std::lock_guard lock(mutex_);
  Counts& counts = counts_[task.task];
  if (client == 0) first_client_asked_.push_back(seconds(now() - began_));
  if (++counts.asked == 1) {
    const Moment at = moment();
    rounds_[task.task].first_asked = at;
    const auto before = rounds_.find(task.task - 1);
    if (before != rounds_.end()) before->second.over = at;
  }
  if (counts.asked == clients_) {
    rounds_[task.task].all_asked = moment();
    changed_.notify_all();
  }
}

void RoundWatch::obtained(const wire::Task& task) {
  {
    const std::lock_guard lock(mutex_);
    if (++counts_[task.task].obtained < clients_) return;
    rounds_[task.task].all_obtained = moment();
  }
  if (on_all_obtained) on_all_obtained();
}

void RoundWatch::answered(const wire::Receipt& receipt) {
  const std::lock_guard lock(mutex_);
  if (receipt.outcome != wire::Outcome::accepted) problem_ = receipt.detail;
  ++answers_;
  if (++counts_[receipt.task].answered == clients_) {
    rounds_[receipt.task].all_answered = moment();
  }
  changed_.notify_all();
}

void RoundWatch::ended() {
  const std::lock_guard lock(mutex_);
  if (++ends_ == 1) {
    end_ = moment();
    if (!rounds_.empty()) rounds_.rbegin()->second.over = end_;
  }
  changed_.notify_all();
}

bool RoundWatch::await(double limit, const std::function<bool()>& done) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, from_seconds(limit), done);
}

bool RoundWatch::await_welcomes(std::size_t count, double limit) {
  return await(limit, [this, count] { return welcomed_ >= count; });
}

bool RoundWatch::await_answers(std::size_t count, double limit) {
  return await(limit, [this, count] { return answers_ >= count; });
}

bool RoundWatch::await_asked(std::int64_t round, double limit) {
  return await(limit, [this, round] { return counts_[round].asked >= clients_; });
}

bool RoundWatch::await_end(double limit) {
  return await(limit, [this] { return ends_ >= clients_; });
}

std::map<std::int64_t, RoundTimes> RoundWatch::rounds() const {
  const std::lock_guard lock(mutex_);
  return rounds_;
}

std::vector<double> RoundWatch::client_rounds() const {
  const std::lock_guard lock(mutex_);
  std::vector<double> between;
  for (std::size_t i = 1; i < first_client_asked_.size(); ++i) {
    between.push_back(first_client_asked_[i] - first_client_asked_[i - 1]);
  }
  return between;
}

Moment RoundWatch::end() const {
  const std::lock_guard lock(mutex_);
  return end_;
}

std::size_t RoundWatch::answers() const {
  const std::lock_guard lock(mutex_);
  return answers_;
}

std::optional<std::string> RoundWatch::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

Result<Exchange> exchange(const ServerProcess& server, const ExchangePlan& plan) {
  const Update update = make_update(plan.coordinates);
  RoundWatch watch(server, plan.clients);
  Crowd crowd(server.members().first(plan.clients), update, watch.observer(),
              {.verify = plan.verify, .gated = plan.phases}, plan.threads);
  if (plan.phases) watch.on_all_obtained = [&crowd] { crowd.go(false); };
  crowd.start();
  if (!watch.await_welcomes(plan.clients, kConnectSeconds)) return gave_up(server, "a welcome");
  const double own_cpu = process_cpu_seconds();
  const Moment begin = watch.moment();
  FED_TRY(server.submit(job_text(plan.name, plan.coordinates, plan.clients, plan.rounds)));
  if (!watch.await_end(plan.seconds_max)) return gave_up(server, "the end of the job");
  if (watch.problem()) return Error{ErrorCode::invalid, *watch.problem()};
  Exchange result;
  result.used = watch.end() - begin;
  for (const auto& [round, times] : watch.rounds()) result.rounds.push_back(times);
  result.round_seconds = watch.client_rounds();
  result.crowd_cpu = process_cpu_seconds() - own_cpu;
  result.memory = server.memory();
  result.bytes_each_way = update.bytes * plan.clients * static_cast<std::uint64_t>(plan.rounds);
  return result;
}

std::string job_text(const std::string& name, std::uint64_t coordinates, std::size_t clients,
                     std::int64_t rounds) {
  const std::uint64_t outputs = coordinates >= kLargeModel ? 1000 : 2;
  const std::uint64_t inputs = coordinates / outputs - 1;  // and a bias
  FED_CHECK((inputs + 1) * outputs == coordinates);
  const Json job = {{"name", name},
                    {"model", {{"type", "softmax"}, {"inputs", inputs}, {"outputs", outputs}}},
                    {"rounds",
                     {{"max", rounds},
                      {"cohort", clients},
                      {"contributions", {{"min", clients}, {"goal", clients}}},
                      {"seconds", {{"max", 3600}}}}},
                    {"evaluation", {{"every", 0}}}};
  return job.dump();
}

}  // namespace fed::bench
