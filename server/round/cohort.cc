#include "round/cohort.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <utility>

#include "base/random.h"

namespace fed::round {

namespace {

using By = config::SelectionSpec::By;
using Weigh = std::function<double(const Candidate&)>;

void keep(std::vector<Candidate>& candidates, std::int64_t count) {
  const auto size = static_cast<std::int64_t>(candidates.size());
  candidates.resize(static_cast<std::size_t>(std::clamp<std::int64_t>(count, 0, size)));
}

std::uint64_t seed_of_draw(const Draw& draw) {
  return mix_seed({draw.seed, seed_of("cohort"), static_cast<std::uint64_t>(draw.round),
                   static_cast<std::uint64_t>(draw.attempt)});
}

// A-Res: the smallest of the exponential variates with rate `weight`. Each client's variate is a
// function of the draw and its id.
void draw_weighted(std::vector<Candidate>& candidates, std::int64_t count, const Draw& draw,
                   const Weigh& weigh) {
  std::vector<std::pair<double, Candidate>> keyed;
  for (const Candidate& candidate : candidates) {
    Random random(mix_seed({seed_of_draw(draw), static_cast<std::uint64_t>(candidate.client)}));
    keyed.emplace_back(-std::log1p(-random.uniform()) / weigh(candidate), candidate);
  }
  std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second.client) < std::pair(b.first, b.second.client);
  });
  for (std::size_t i = 0; i < keyed.size(); ++i) candidates[i] = keyed[i].second;
  keep(candidates, count);
}

double by_examples(const Candidate& candidate) { return static_cast<double>(candidate.examples); }

Weigh by_speed(const std::vector<Candidate>& candidates) {
  double fastest = std::numeric_limits<double>::infinity();
  for (const Candidate& candidate : candidates) {
    if (candidate.seconds) fastest = std::min(fastest, *candidate.seconds);
  }
  if (!std::isfinite(fastest)) fastest = 1;
  return [fastest](const Candidate& candidate) {
    return fastest / candidate.seconds.value_or(fastest);
  };
}

void draw_highest_loss(std::vector<Candidate>& candidates, std::int64_t count, const Draw& draw,
                       std::int64_t drawn) {
  draw_weighted(candidates, std::max(count, drawn > 0 ? drawn : 2 * count), draw, by_examples);
  const auto loss = [](const Candidate& candidate) {
    return candidate.loss.value_or(std::numeric_limits<double>::infinity());
  };
  // Stable: equals stay in the order of the draw.
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](const auto& a, const auto& b) { return loss(a) > loss(b); });
  keep(candidates, count);
}

}  // namespace

std::vector<ClientId> choose(std::vector<Candidate> candidates, std::int64_t count,
                             const Draw& draw, const config::SelectionSpec& rule) {
  std::sort(candidates.begin(), candidates.end(),
            [](const auto& a, const auto& b) { return a.client < b.client; });
  switch (rule.by) {
    case By::uniform: {
      Random random(seed_of_draw(draw));
      random.shuffle(std::span(candidates));
      keep(candidates, count);
      break;
    }
    case By::examples:
      draw_weighted(candidates, count, draw, by_examples);
      break;
    case By::speed:
      draw_weighted(candidates, count, draw, by_speed(candidates));
      break;
    case By::loss:
      draw_highest_loss(candidates, count, draw, rule.candidates);
      break;
  }
  std::vector<ClientId> chosen;
  for (const Candidate& candidate : candidates) chosen.push_back(candidate.client);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace fed::round
