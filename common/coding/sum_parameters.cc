// Whether the sums of a job can be secure, and what would make them so.
#include <fmt/format.h>

#include <functional>
#include <optional>
#include <vector>

#include "coding/job_codec.h"

namespace fed::coding {
namespace {

// A roster fits one message of the server, the shares for all neighbours one of a client.
constexpr std::int64_t kSumClientsMax = 10'000;
constexpr std::uint32_t kNeighboursMax = 600;

// Up to so many clients everybody shares with everybody, and only rounding makes more of them help.
constexpr std::int64_t kSmallSum = secagg::kFullGraphClientsMax;

// A size that sums of the job have, and the key that it comes from.
struct SumSize {
  const char* key;
  std::int64_t clients;
};

std::vector<SumSize> sizes_of(const config::RoundsSpec& rounds) {
  return {{"rounds.cohort", rounds.cohort},
          {"rounds.contributions.goal", rounds.contributions_goal},
          {"rounds.contributions.min", rounds.contributions_min}};
}

bool works(std::int64_t clients, const secagg::Threat& threat) {
  if (clients > kSumClientsMax) return false;
  const auto found = secagg::parameters_for(static_cast<std::uint32_t>(clients), threat);
  return found && found->neighbours <= kNeighboursMax;
}

bool all_work(const config::RoundsSpec& rounds, const secagg::Threat& threat) {
  for (const SumSize& size : sizes_of(rounds)) {
    if (!works(size.clients, threat)) return false;
  }
  return true;
}

// The largest share in thousandths below `now` with which all is well; none if not even 0 is.
std::optional<std::uint32_t> most(std::uint32_t now,
                                  const std::function<bool(std::uint32_t)>& is_well) {
  if (!is_well(0)) return std::nullopt;
  std::uint32_t well = 0, bad = now;
  while (bad - well > 1) {
    const std::uint32_t middle = (well + bad) / 2;
    (is_well(middle) ? well : bad) = middle;
  }
  return well;
}

// The rounds with so many clients where they have those of `size`.
config::RoundsSpec with_more(config::RoundsSpec rounds, const SumSize& size, std::int64_t clients) {
  for (std::int64_t* each :
       {&rounds.cohort, &rounds.contributions_goal, &rounds.contributions_min}) {
    if (*each == size.clients) *each = clients;
  }
  return rounds;
}

// A few clients more, where few clients are all that is wrong.
std::optional<std::int64_t> more_clients(const SumSize& size, const config::RoundsSpec& rounds,
                                         const secagg::Threat& threat) {
  const bool all = size.clients == rounds.cohort;
  const std::int64_t end = all ? kSmallSum : std::min(rounds.cohort, kSmallSum);
  for (std::int64_t clients = size.clients + 1; clients <= end; ++clients) {
    if (all_work(with_more(rounds, size, clients), threat)) return clients;
  }
  return std::nullopt;
}

std::string ways_out(const SumSize& size, const config::RoundsSpec& rounds,
                     const secagg::Threat& threat) {
  std::string ways;
  const auto add = [&ways](const std::string& way) { ways += (ways.empty() ? "" : ", or ") + way; };
  const auto dropped = most(threat.dropped_permille, [&](std::uint32_t share) {
    return all_work(rounds, {threat.adversary, threat.corrupted_permille, share});
  });
  const auto corrupted = most(threat.corrupted_permille, [&](std::uint32_t share) {
    return all_work(rounds, {threat.adversary, share, threat.dropped_permille});
  });
  if (dropped) add(fmt::format("secure_aggregation.dropped up to {}", *dropped / 1000.0));
  if (corrupted) add(fmt::format("secure_aggregation.corrupted up to {}", *corrupted / 1000.0));
  if (const auto more = more_clients(size, rounds, threat)) {
    add(fmt::format("{} of {}", size.key, *more));
  }
  return ways.empty() ? "smaller shares of both" : ways;
}

}  // namespace

Status check_parameters(const config::JobSpec& job) {
  const secagg::Threat threat = threat_of(*job.secure_aggregation);
  for (const SumSize& size : sizes_of(job.rounds)) {
    const auto refuse = [&size](const std::string& why) {
      return Error{ErrorCode::invalid, fmt::format("{} is {}: {}", size.key, size.clients, why)};
    };
    if (size.clients > kSumClientsMax) {
      return refuse(fmt::format("a secure sum has at most {} clients", kSumClientsMax));
    }
    if (size.clients < secagg::kClientsMin) {
      return refuse(fmt::format("a secure sum has at least {} clients", secagg::kClientsMin));
    }
    const auto found = secagg::parameters_for(static_cast<std::uint32_t>(size.clients), threat);
    if (!found) {
      return refuse(
          fmt::format("no sum of so many clients is secure with secure_aggregation.corrupted of {} "
                      "and secure_aggregation.dropped of {}, since what rebuilds a secret is to "
                      "be more than the corrupted have, and no more than is left of the others; "
                      "allowed: {}",
                      threat.corrupted_permille / 1000.0, threat.dropped_permille / 1000.0,
                      ways_out(size, job.rounds, threat)));
    }
    if (found->neighbours > kNeighboursMax) {
      return refuse(
          fmt::format("each client would share its secrets with {} others, and its "
                      "message holds {}: lower secure_aggregation.corrupted or dropped, "
                      "or rounds.cohort",
                      found->neighbours, kNeighboursMax));
    }
  }
  return {};
}

}  // namespace fed::coding
