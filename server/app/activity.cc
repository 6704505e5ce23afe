#include "app/activity.h"

#include <algorithm>

namespace fed::app {
namespace {

constexpr auto kTraining = static_cast<std::size_t>(wire::Phase::training);

}  // namespace

void Activity::leave(Instant now) {
  took_[present_->phase] = seconds(now - present_->since);
  present_.reset();
}

void Activity::progressed(const wire::Progress& progress, Instant now) {
  const auto phase = static_cast<std::size_t>(progress.phase);
  if (present_ && present_->task != progress.task) present_.reset();  // was interrupted: no measure
  if (present_ && present_->phase != phase) leave(now);
  if (!present_) present_ = Present{.task = progress.task, .phase = phase, .since = now};
  present_->meter.observe(now, progress.done);
}

void Activity::answered(std::int64_t task, Instant now) {
  if (!present_ || present_->task != task) return;
  // A small update comes with its offer: there is no upload to speak of.
  if (present_->phase == kTraining) took_[kTraining + 1] = 0;
  leave(now);
}

std::optional<double> Activity::per_second(Instant now) const {
  return present_ ? present_->meter.per_second(now) : std::nullopt;
}

std::optional<double> Activity::finish_s(std::uint64_t done, std::uint64_t total,
                                         std::optional<double> rate, Instant now) const {
  if (!present_) return std::nullopt;
  std::optional<double> left;
  if (rate && *rate > 0 && total >= done) {
    left = static_cast<double>(total - done) / *rate;
  } else if (!rate && took_[present_->phase]) {
    left = std::max(0.0, *took_[present_->phase] - seconds(now - present_->since));
  }
  for (std::size_t phase = present_->phase + 1; left && phase < took_.size(); ++phase) {
    if (!took_[phase]) return std::nullopt;
    *left += *took_[phase];
  }
  return left;
}

}  // namespace fed::app
