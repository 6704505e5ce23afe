#include "network.h"

#include <algorithm>
#include <cmath>

namespace fed::sim {
namespace {

// Most sessions say less than this.
constexpr double kBytesLog2Max = 18;

Error refused() { return {ErrorCode::io, "cannot connect: connection refused"}; }
Error timed_out() { return {ErrorCode::io, "cannot connect: timed out"}; }

// Early bytes are as likely as late ones on a scale of powers of two.
std::uint64_t some_byte(Random& random) {
  return static_cast<std::uint64_t>(std::exp2(random.uniform() * kBytesLog2Max)) - 1;
}

}  // namespace

Network::Network(Queue& queue, std::uint64_t seed, Climate climate, std::size_t clients,
                 Tally& tally)
    : queue_(queue), random_(seed), climate_(climate), tally_(tally), weather_(clients) {}

Fate Network::draw() {
  Fate fate;
  if (random_.uniform() < climate_.breaks) fate.breaks_at = some_byte(random_);
  fate.silently = random_.uniform() < climate_.silently;
  if (random_.uniform() < climate_.flips) fate.flips_at = some_byte(random_);
  return fate;
}

void Network::connect(std::size_t client, Duration deadline, const void* owner, Answer answer) {
  const Weather& weather = weather_[client];
  if (weather.partitioned) {
    queue_.add(queue_.now() + deadline, owner,
               [answer = std::move(answer)] { answer(timed_out()); });
    return;
  }
  queue_.add(queue_.now() + 2 * weather.delay, owner, [this, client, answer = std::move(answer)] {
    if (!server_) return answer(refused());
    const Fate fate = draw();
    const std::uint64_t seed = random_.next();
    const auto cable = std::make_shared<Cable>(queue_, weather_[client], seed, climate_.shape, fate,
                                               tally_, traffic_);
    std::erase_if(cables_, [](const auto& each) { return each.expired(); });
    cables_.push_back(cable);
    server_(cable);
    answer(cable);
  });
}

std::vector<std::shared_ptr<Cable>> Network::cables() {
  std::vector<std::shared_ptr<Cable>> all;
  for (const auto& each : cables_) {
    if (auto cable = each.lock()) all.push_back(std::move(cable));
  }
  return all;
}

void Network::look_up() {
  for (const auto& cable : cables()) cable->look_up();
}

void Network::cut_all(bool silently) {
  for (const auto& cable : cables()) cable->cut(silently);
}

void Network::calm() {
  climate_.breaks = climate_.flips = 0;
  for (Weather& each : weather_) each = Weather();
  for (const auto& cable : cables()) cable->spare();
  look_up();
}

}  // namespace fed::sim
