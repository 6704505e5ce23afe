// The noise of clients: the bounds hold for every vector, what a sum decodes to is its mean and
// noise of the variance that was paid for, and two servers' words about the norm change nothing.
#include "coding/job_noise.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "coding/job_codec.h"
#include "privacy/adaptive_clip.h"

namespace fed::coding {
namespace {

using Mechanism = config::PrivacySpec::Mechanism;

config::JobSpec some_job(Mechanism mechanism, double noise_multiplier = 1) {
  config::JobSpec job;
  job.name = "noisy";
  job.rounds.cohort = 20;
  job.rounds.contributions_min = 6;
  job.rounds.contributions_goal = 10;
  job.aggregation.weighting = config::AggregationSpec::Weighting::uniform;
  job.privacy = config::PrivacySpec{.mechanism = mechanism,
                                    .clipping_norm = 3,
                                    .noise_multiplier = noise_multiplier,
                                    .delta = 1e-5,
                                    .epsilon_max = 100};
  job.quantisation = config::QuantisationSpec{.clipping_norm = 3, .steps = 500};
  job.secure_aggregation = config::SecureAggregationSpec{.corrupted = 0.1};
  return job;
}

struct Coded {
  config::JobSpec job;
  secagg::Codec codec;
  JobNoise noise;

  explicit Coded(const config::JobSpec& of, std::uint64_t coordinates = 300)
      : job(of),
        codec(codec_of(job, coordinates, 1).value()),
        noise(JobNoise::make(job, codec).value()) {}

  Result<std::vector<std::int64_t>> round(const std::vector<float>& update,
                                          privacy::RandomSource& source) const {
    FED_ASSIGN(prepared, codec.prepare(update));
    return noise.round(std::move(prepared), codec, source);
  }
};

std::vector<std::vector<float>> awkward_updates(std::size_t size) {
  std::vector<std::vector<float>> updates;
  updates.emplace_back(size, 0.0F);
  updates.emplace_back(size, 1e30F);
  updates.emplace_back(size, -std::numeric_limits<float>::max());
  updates.emplace_back(size, std::numeric_limits<float>::denorm_min());
  updates.emplace_back(size, 3.0F / std::sqrt(static_cast<float>(size)));  // of the norm itself
  updates.emplace_back(size, 0.0F)[size / 2] = 3.0F;
  updates.emplace_back(size, 0.0F)[0] = -1e20F;
  std::vector<float> mixed(size);
  for (std::size_t i = 0; i < size; ++i) {
    mixed[i] = static_cast<float>(std::sin(static_cast<double>(i * i))) * 0.3F;
  }
  updates.push_back(mixed);
  return updates;
}

TEST_CASE("noise of clients: no vector is longer than the noise was sized for") {
  auto source = privacy::RandomSource::seeded(1);
  for (const bool rotation : {false, true}) {
    for (const Mechanism mechanism :
         {Mechanism::distributed_gaussian, Mechanism::local_gaussian, Mechanism::local_laplace}) {
      if (rotation && mechanism == Mechanism::local_laplace) continue;
      config::JobSpec job = some_job(mechanism);
      job.quantisation->rotation = rotation;
      job.quantisation->kept = rotation ? 0.5 : 1;
      const Coded coded(job);
      const double clip = coded.codec.clip_steps();
      const double beta = std::exp(-0.5);
      const auto l2 = privacy::rounded_norm(clip, coded.codec.rounded(), beta).value();
      const auto l1 = privacy::rounded_l1(clip, coded.codec.rounded(), beta).value();
      for (const auto& update : awkward_updates(300)) {
        for (int again = 0; again < 20; ++again) {
          const auto found = coded.round(update, source);
          if (!found) {  // the largest floats do not survive a rotation
            REQUIRE(rotation);
            REQUIRE(std::abs(update[0]) > 1e35F);
            break;
          }
          const std::vector<std::int64_t>& rounded = *found;
          std::uint64_t squares = 0, sum = 0;
          for (const std::int64_t each : rounded) {
            squares += static_cast<std::uint64_t>(each * each);
            sum += static_cast<std::uint64_t>(std::abs(each));
          }
          if (mechanism == Mechanism::local_laplace) {
            REQUIRE(sum <= l1);
          } else {
            REQUIRE(squares <= l2.l2_squared_max);
          }
        }
      }
    }
  }
}

TEST_CASE("noise of clients: what is not finite is not sent") {
  auto source = privacy::RandomSource::seeded(2);
  for (const bool rotation : {false, true}) {
    config::JobSpec job = some_job(Mechanism::distributed_gaussian);
    job.quantisation->rotation = rotation;
    const Coded coded(job);
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      std::vector<float> update(300, 0.01F);
      update[299] = bad;
      CHECK(coded.round(update, source).error().code == ErrorCode::invalid);
    }
  }
}

TEST_CASE("noise of clients: clipping is to the norm, and no shorter") {
  auto source = privacy::RandomSource::seeded(3);
  const Coded l2(some_job(Mechanism::local_gaussian)), l1(some_job(Mechanism::local_laplace));
  std::vector<float> update(300, 0.0F);
  update[0] = 30, update[1] = -40;
  const auto of_l2 = l2.round(update, source).value();
  CHECK(std::abs(of_l2[0] - 300) <= 1);  // 500 steps for a norm of 3
  CHECK(std::abs(of_l2[1] + 400) <= 1);
  const auto of_l1 = l1.round(update, source).value();
  CHECK(std::abs(static_cast<double>(of_l1[0]) - 500.0 * 3 / 7) <= 1);
  CHECK(std::abs(static_cast<double>(of_l1[1]) + 500.0 * 4 / 7) <= 1);
  // A norm that the server has said in another round stretches the grid, and nothing else.
  config::JobSpec lied = some_job(Mechanism::distributed_gaussian);
  lied.quantisation->rotation = true;
  const Coded honest(lied);
  lied.quantisation->clipping_norm = 1e5 / 3;
  const Coded wide(lied);
  CHECK(wide.noise.request().distributed.clip_steps ==
        honest.noise.request().distributed.clip_steps);
  CHECK(wide.noise.head_room() == honest.noise.head_room());
  CHECK(wide.codec.modulus_bits() == honest.codec.modulus_bits());
}

// Sums of clients' vectors, as the server sees them.
std::vector<float> decoded_mean(const Coded& coded, int clients, const std::vector<float>& update,
                                privacy::RandomSource& source) {
  secagg::Words sum = secagg::zero_words(coded.codec.modulus_bits(), coded.codec.length());
  for (int i = 0; i < clients; ++i) {
    secagg::Words one = coded.codec.assemble(coded.round(update, source).value());
    coded.noise.add(one, source);
    std::visit(
        [&](auto& total) {
          const auto& more = std::get<std::decay_t<decltype(total)>>(one);
          for (std::size_t k = 0; k < total.size(); ++k) total[k] += more[k];
        },
        sum);
  }
  const auto mean = coded.codec.decode(std::move(sum));
  CHECK(mean.weight == static_cast<std::uint64_t>(clients));
  CHECK(mean.measures.empty());
  return mean.update;
}

// The noise of the sum, in units of the clipping norm: its mean and variance.
struct Moments {
  double mean = 0, variance = 0;
};

Moments noise_of(const Coded& coded, int clients, std::uint64_t seed, std::size_t size) {
  auto source = privacy::RandomSource::seeded(seed);
  std::vector<float> update(size);
  for (std::size_t i = 0; i < size; ++i) update[i] = i % 2 == 0 ? 0.01F : -0.003F;
  const auto mean = decoded_mean(coded, clients, update, source);
  Moments moments;
  for (std::size_t i = 0; i < size; ++i) {
    const double noise = (double{mean[i]} - double{update[i]}) * clients / 3;
    moments.mean += noise / static_cast<double>(size);
    moments.variance += noise * noise / static_cast<double>(size);
  }
  return moments;
}

constexpr std::size_t kSize = 20000;

// Rounding at random adds less than a quarter of a squared step for each client.
double rounding_variance(int clients) { return clients * 0.25 / (500.0 * 500.0); }

TEST_CASE("noise of clients: the fewest survivors' shares come to the multiplier") {
  const Coded coded(some_job(Mechanism::distributed_gaussian, 1.3), kSize);
  // 6 at the least, and 2 of 20 may tell their noise.
  CHECK(coded.noise.request().distributed.survivors_min == 4);
  for (const int clients : {4, 9}) {
    const Moments found = noise_of(coded, clients, 4, kSize);
    const double variance = 1.3 * 1.3 * clients / 4;
    CHECK(std::abs(found.mean) < 6 * std::sqrt(variance / kSize));
    // Chi squared of so many degrees of freedom: six standard deviations.
    CHECK(found.variance > variance * (1 - 6 * std::sqrt(2.0 / kSize)));
    CHECK(found.variance <
          (variance + rounding_variance(clients)) * (1 + 6 * std::sqrt(2.0 / kSize)));
  }
}

TEST_CASE("noise of clients: of the local mechanisms each client has all of it") {
  const Coded gaussian(some_job(Mechanism::local_gaussian, 1.3), kSize);
  const Coded laplace(some_job(Mechanism::local_laplace, 0.7), kSize);
  const double beta = std::exp(-0.5);
  const auto l2 = privacy::rounded_norm(500, kSize, beta).value().l2_max;
  const auto l1 = static_cast<double>(privacy::rounded_l1(500, kSize, beta).value());
  for (const int clients : {1, 5}) {
    const double of_gaussian = std::pow(1.3 * l2 / 500, 2) * clients;
    const double of_laplace = 2 * std::pow(0.7 * l1 / 500, 2) * clients;
    const Moments first = noise_of(gaussian, clients, 5, kSize);
    CHECK(std::abs(first.mean) < 6 * std::sqrt(of_gaussian / kSize));
    CHECK(std::abs(first.variance / of_gaussian - 1) < 6 * std::sqrt(2.0 / kSize));
    // The fourth moment of a Laplace distribution is 24 b^4: the variance of a square 20 b^4.
    const Moments second = noise_of(laplace, clients, 6, kSize);
    CHECK(std::abs(second.mean) < 6 * std::sqrt(of_laplace / kSize));
    CHECK(std::abs(second.variance / of_laplace - 1) < 6 * std::sqrt(5.0 / kSize));
  }
}

TEST_CASE("noise of clients: the request is the plan's, for both sides") {
  const config::JobSpec job = some_job(Mechanism::distributed_gaussian, 1.3);
  const Coded coded(job, 1000);
  const auto request = plan_request(job, 1000).value();
  CHECK(request.mechanism == privacy::Mechanism::distributed_gaussian);
  CHECK(request.distributed.dimension == 1000);
  CHECK(request.distributed.clip_steps == 500);
  CHECK(request.distributed.beta == std::exp(-0.5));
  auto asked = request;
  asked.rounds = 7;
  const auto plan = privacy::make_plan(asked).value();
  // Rounding makes a vector longer, so a version costs a little more than central noise would.
  auto central = asked;
  central.mechanism = privacy::Mechanism::central_gaussian;
  const double least = privacy::make_plan(central).value().guarantee.epsilon;
  CHECK(plan.guarantee.epsilon > least);
  CHECK(plan.guarantee.epsilon < least * 1.05);
  // With a rotation, the coordinates are those after it, filled up to a power of two.
  config::JobSpec rotated = job;
  rotated.quantisation->rotation = true;
  CHECK(plan_request(rotated, 1000).value().distributed.dimension == 1024);
  config::JobSpec of_server = job;
  of_server.privacy->mechanism = Mechanism::central_gaussian;
  CHECK(plan_request(of_server, 1000).value().mechanism == privacy::Mechanism::central_gaussian);
}

TEST_CASE("noise of clients: what cannot be drawn is the operator's business") {
  config::JobSpec job = some_job(Mechanism::distributed_gaussian, 0.01);
  job.quantisation->steps = 20;  // a fifth of a step
  const auto coarse = codec_of(job, 100, 1);
  REQUIRE(coarse.has_error());
  CHECK_THAT(coarse.error().detail, Catch::Contains("quantisation.steps"));
  job = some_job(Mechanism::local_laplace, 1000);
  job.quantisation->steps = 1 << 24;
  CHECK(codec_of(job, 100, 1).has_error());
}

TEST_CASE("noise of clients: no wrap within the head-room, and no measures") {
  for (const Mechanism mechanism :
       {Mechanism::distributed_gaussian, Mechanism::local_gaussian, Mechanism::local_laplace}) {
    const Coded coded(some_job(mechanism, 2), 100);
    CHECK(coded.codec.length() == 101);
    const double half = std::ldexp(1, static_cast<int>(coded.codec.modulus_bits()) - 1);
    const auto room = static_cast<double>(coded.noise.head_room());
    CHECK(half > 20 * 500 + room);
    CHECK(half <= 2 * (20 * 500 + room));
  }
}

config::JobSpec adaptive_job(Mechanism mechanism, double noise_multiplier, double count_noise) {
  config::JobSpec job = some_job(mechanism, noise_multiplier);
  job.privacy->adaptive =
      config::AdaptiveClipSpec{.quantile = 0.5, .learning_rate = 0.2, .count_noise = count_noise};
  return job;
}

TEST_CASE("adaptive clipping: the bit is in the norm that the noise was sized for") {
  auto source = privacy::RandomSource::seeded(7);
  for (const Mechanism mechanism : {Mechanism::distributed_gaussian, Mechanism::local_gaussian}) {
    const Coded coded(adaptive_job(mechanism, 1.3, 0.9));
    CHECK(coded.codec.length() == 302);
    // S = C / sqrt(1 - (z / 2 sigma_b)^2), but for the bit's whole number of steps.
    const double share = 1.3 / (2 * 0.9), together = 500 / std::sqrt(1 - share * share);
    const auto limit =
        privacy::rounded_norm(together + 1e-9, 301, std::exp(-0.5)).value().l2_squared_max;
    for (const auto& update : awkward_updates(300)) {
      for (int again = 0; again < 20; ++again) {
        const auto rounded = coded.round(update, source).value();
        REQUIRE(rounded.size() == 301);
        REQUIRE(std::abs(rounded.back()) == static_cast<std::int64_t>(share * together));
        std::uint64_t squares = 0;
        for (const std::int64_t each : rounded) squares += static_cast<std::uint64_t>(each * each);
        REQUIRE(squares <= limit);
      }
    }
    std::vector<float> update(300, 0.0F);
    update[3] = 3;
    CHECK(coded.round(update, source).value().back() > 0);
    update[3] = 3.001F;
    CHECK(coded.round(update, source).value().back() < 0);
  }
}

TEST_CASE("adaptive clipping: one mechanism with the two noises of the theorem") {
  const Coded coded(adaptive_job(Mechanism::distributed_gaussian, 1.3, 0.9), kSize);
  const auto split = privacy::split_noise(1.3, 0.9).value();
  const Moments found = noise_of(coded, 4, 8, kSize);
  const double variance = split.vector * split.vector;
  CHECK(std::abs(found.variance / variance - 1) < 6 * std::sqrt(2.0 / kSize) + 0.005);
  // Of two within and one beyond, many times.
  auto source = privacy::RandomSource::seeded(9);
  const Coded small(adaptive_job(Mechanism::distributed_gaussian, 1.3, 0.9), 3);
  const std::vector<float> within{1, 0, 0}, beyond{0, 4, 0};
  constexpr int kRounds = 4000;
  double mean = 0, squares = 0;
  for (int round = 0; round < kRounds; ++round) {
    secagg::Words sum = secagg::zero_words(small.codec.modulus_bits(), small.codec.length());
    for (const auto* update : {&within, &beyond, &within, &within}) {
      secagg::Words one = small.codec.assemble(small.round(*update, source).value());
      small.noise.add(one, source);
      std::visit(
          [&](auto& total) {
            const auto& more = std::get<std::decay_t<decltype(total)>>(one);
            for (std::size_t k = 0; k < total.size(); ++k) total[k] += more[k];
          },
          sum);
    }
    const auto decoded = small.codec.decode(std::move(sum));
    CHECK(decoded.weight == 4);
    const double noise = small.noise.within_norm(decoded) - 0.75;
    mean += noise / kRounds;
    squares += noise * noise / kRounds;
  }
  const double deviation = split.count / 4;  // of the fraction
  CHECK(std::abs(mean) < 6 * deviation / std::sqrt(kRounds));
  CHECK(std::abs(squares / (deviation * deviation) - 1) < 6 * std::sqrt(2.0 / kRounds) + 0.01);
}

TEST_CASE("adaptive clipping: what a server says of the norm weakens no noise") {
  for (const bool rotation : {false, true}) {
    config::JobSpec job = adaptive_job(Mechanism::distributed_gaussian, 1.3, 0.9);
    job.quantisation->rotation = rotation;
    const Coded honest(job);
    auto source = privacy::RandomSource::seeded(10);
    for (const double norm : {1e-30, 1e-3, 7.3, 1e9, 1e300}) {
      const secagg::Codec told = codec_of(job, 300, 1, norm).value();
      CHECK(told.clip_norm() == norm);
      const JobNoise noise = JobNoise::make(job, told).value();
      CHECK(noise.request().distributed.clip_steps ==
            honest.noise.request().distributed.clip_steps);
      CHECK(noise.head_room() == honest.noise.head_room());
      CHECK(told.modulus_bits() == honest.codec.modulus_bits());
      CHECK(told.length() == honest.codec.length());
      const auto prepared = told.prepare(std::vector<float>(300, 0.5F)).value();
      const auto rounded = honest.noise.round(prepared, told, source);
      std::uint64_t squares = 0;
      if (!rounded) continue;  // refused is as good
      for (const std::int64_t each : *rounded) squares += static_cast<std::uint64_t>(each * each);
      const auto& setting = honest.noise.request().distributed;
      CHECK(squares <= privacy::rounded_norm(setting.clip_steps, setting.dimension, setting.beta)
                           .value()
                           .l2_squared_max);
    }
    for (const double norm : {5e-324, double{INFINITY}}) {
      const auto told = codec_of(job, 300, 1, norm);
      if (!told) continue;
      const auto prepared = told->prepare(std::vector<float>(300, 0.5F)).value();
      CHECK(honest.noise.round(prepared, *told, source).has_error());
    }
  }
  CHECK(start_of(settings_hash("model"), 0) == settings_hash("model"));
  CHECK(start_of(settings_hash("model"), 1) != start_of(settings_hash("model"), 1.5));
}

TEST_CASE("adaptive clipping: a bit that no step of the grid holds is the operator's business") {
  config::JobSpec job = adaptive_job(Mechanism::distributed_gaussian, 1, 1000);
  job.quantisation->steps = 500;
  CHECK_THAT(codec_of(job, 100, 1).error().detail, Catch::Contains("quantisation.steps"));
}

}  // namespace
}  // namespace fed::coding
