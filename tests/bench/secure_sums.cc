// Workload (l): what secure aggregation costs a client and the server, in CPU and in bytes, beside
// the keystream of the masks; and what encrypting the same update with Paillier costs.
#include <fmt/format.h>

#include <algorithm>

#include "aggregate/tile_pool.h"
#include "clocks.h"
#include "crypto/random.h"
#include "paillier/packing.h"
#include "paillier/secret_key.h"
#include "secagg/codec.h"
#include "secure_attempt.h"
#include "secure_limits.h"
#include "secure_removal.h"
#include "update.h"
#include "workloads.h"

namespace fed::bench {
namespace {

constexpr std::uint64_t kLength = 100'000;
constexpr std::uint64_t kTinyLength = 1'000;
constexpr std::size_t kPaillierParameters = 50'000;
constexpr std::size_t kDroppedPercent = 30;
constexpr int kRepeats = 7;
constexpr double kMilliseconds = 1e3;
constexpr std::uint64_t kWordBytes = 4;
constexpr Bar kBar{Bar::Sense::at_most, 2};
constexpr Bar kPaperBar{Bar::Sense::at_most, 1};

std::uint64_t length_of(const Bench& bench) { return bench.sized(kLength, kTinyLength); }

std::string among(std::size_t clients, const secagg::Parameters& parameters) {
  return fmt::format("{} clients (k {}, t {})", clients, parameters.neighbours,
                     parameters.threshold);
}

// CPU seconds of this thread.
template <class Step>
double cpu_of(Step step) {
  const double begin = thread_cpu_seconds();
  step();
  return thread_cpu_seconds() - begin;
}

struct ClientCost {
  AttemptCost attempt;
  double keystream = 0;
};

// The best of some repetitions of each, which take turns.
ClientCost best_of(SecureAttempt& attempt, std::uint64_t length) {
  ClientCost best;
  for (int i = 0; i < kRepeats; ++i) {
    const AttemptCost cost = attempt.run();
    const double keystream = cpu_of([&] { make_keystream(attempt.masks(), kWordBytes * length); });
    if (i == 0 || cost.total() < best.attempt.total()) best.attempt = cost;
    if (i == 0 || keystream < best.keystream) best.keystream = keystream;
  }
  return best;
}

// A client's bytes in both directions, beside those of the paper.
void add_traffic(Bench& bench, const std::string& cohort, const SecureTraffic& traffic,
                 const PaperTraffic& paper) {
  const auto add = [&](const char* what, std::size_t bytes, std::uint64_t of_paper) {
    bench.report.add({"l", fmt::format("bytes {}, {}", what, cohort), static_cast<double>(bytes),
                      "B", "Bonawitz 2017, 7.1", static_cast<double>(of_paper), kPaperBar, ""});
  };
  add("up", traffic.up, paper.up);
  add("down", traffic.down, paper.down);
  add("in all", traffic.up + traffic.down, paper.up + paper.down);
}

void measure_client(Bench& bench, std::size_t clients, std::optional<Bar> bar) {
  const std::uint64_t length = length_of(bench);
  const secagg::World world(secure_options(clients, length));
  SecureAttempt attempt(world);
  const ClientCost cost = best_of(attempt, length);
  const AttemptCost& each = cost.attempt;
  const std::string cohort = among(clients, attempt.parameters());
  bench.report.add(
      {"l", "client, " + cohort, each.total() * kMilliseconds, "ms",
       fmt::format("libsodium keystream, {} masks", attempt.masks()),
       cost.keystream * kMilliseconds, bar,
       fmt::format("{} x 32 bits; advertise {:.2f}, share {:.2f}, mask {:.2f}, sign {:.2f}, unmask "
                   "{:.2f} ms of CPU",
                   length, each.advertise * kMilliseconds, each.share * kMilliseconds,
                   each.mask * kMilliseconds, each.sign * kMilliseconds,
                   each.unmask * kMilliseconds)});
  const SecureTraffic traffic = attempt.traffic();
  add_traffic(bench, cohort, traffic, paper_traffic(clients, length, 32));
  bench.report.raw("l")[fmt::format("client_{}", clients)] = {
      {"advertise_s", each.advertise}, {"share_s", each.share},     {"mask_s", each.mask},
      {"sign_s", each.sign},           {"unmask_s", each.unmask},   {"keystream_s", cost.keystream},
      {"bytes_up", traffic.up},        {"bytes_down", traffic.down}};
}

Status measure_codec(Bench& bench) {
  const std::uint64_t length = length_of(bench);
  secagg::CodecShape shape;
  shape.coordinates = length;
  shape.clip_norm = 10;
  shape.steps = 1 << 15;
  shape.weight_max = 1'000;
  shape.clients_max = 100;
  FED_ASSIGN(codec, secagg::Codec::make(shape));
  const std::vector<float> update = update_values(length);
  const crypto::Wiped<32> secret;
  double best = 0;
  for (int i = 0; i < kRepeats; ++i) {
    const double took =
        cpu_of([&] { FED_CHECK(codec.encode(update, 500, {}, secret.view()).has_value()); });
    if (i == 0 || took < best) best = took;
  }
  bench.report.add({"l", fmt::format("client, quantising {} numbers", length), best * kMilliseconds,
                    "ms", "", 0, std::nullopt, ""});
  bench.report.raw("l")["quantise_s"] = best;
  return {};
}

struct Used {
  double cpu = 0, wall = 0;
};

// Of this process, all threads.
template <class Step>
Used used_by(Step step) {
  const double cpu = process_cpu_seconds();
  const Stopwatch watch;
  step();
  return {process_cpu_seconds() - cpu, watch.seconds()};
}

void measure_server(Bench& bench, std::size_t clients) {
  const std::uint64_t length = length_of(bench);
  const secagg::World world(secure_options(clients, length));
  const SecureRemoval removal(world, clients * kDroppedPercent / 100);
  aggregate::TilePool pool(0);
  const auto parallel = pool.parallel_for();
  const Used keystream =
      used_by([&] { make_keystream(removal.masks(), kWordBytes * length, parallel); });
  const Used finish = used_by([&] { removal.finish(secagg::zero_words(32, length), parallel); });
  const std::string cohort = among(clients, removal.parameters());
  const std::string limit = fmt::format("libsodium keystream, {} masks", removal.masks());
  bench.report.add({"l", "server, 30 % gone, CPU, " + cohort, finish.cpu, "s", limit, keystream.cpu,
                    kBar, fmt::format("{} x 32 bits, once", length)});
  bench.report.add({"l", fmt::format("the same, wall, {} threads", pool.threads()), finish.wall,
                    "s", limit, keystream.wall, kBar, ""});
  bench.report.raw("l")[fmt::format("server_{}", clients)] = {{"finish_cpu_s", finish.cpu},
                                                              {"finish_wall_s", finish.wall},
                                                              {"keystream_cpu_s", keystream.cpu},
                                                              {"keystream_wall_s", keystream.wall},
                                                              {"masks", removal.masks()}};
}

// CPU seconds that encrypting `parameters` takes, by a slice of the ciphertexts.
Result<double> paillier_cost(std::size_t parameters, std::size_t slice) {
  FED_ASSIGN(layout, paillier::Layout::make(16, 100));
  const auto secret = paillier::SecretKey::generate(crypto::random_bytes);
  const paillier::PublicKey& key = secret.public_key();
  const std::vector<std::int64_t> values(layout.capacity(), -12345);
  const double took = cpu_of([&] {
    for (std::size_t i = 0; i < slice; ++i) {
      FED_CHECK(encrypt(key, layout.pack(values).value(),
                        paillier::Randomness::draw(key, crypto::random_bytes))
                    .has_value());
    }
  });
  return took / static_cast<double>(slice) * static_cast<double>(layout.plaintexts(parameters));
}

Status measure_paillier(Bench& bench) {
  const auto slice = bench.sized<std::size_t>(50, 1);
  FED_ASSIGN(cost, paillier_cost(kPaillierParameters, slice));
  const secagg::World world(secure_options(100, kPaillierParameters));
  SecureAttempt attempt(world);
  const double masked = best_of(attempt, kPaillierParameters).attempt.total();
  bench.report.add({"l", "client, 50,000 parameters encrypted (Paillier)", cost, "s",
                    "masked, among 100", masked, std::nullopt,
                    fmt::format("3,072 bits, 16 bits a parameter; {} of the ciphertexts were made, "
                                "the figure is scaled",
                                slice)});
  bench.report.raw("l")["paillier_s"] = cost;
  return {};
}

}  // namespace

Status run_secure_sums(Bench& bench) {
  measure_client(bench, bench.sized<std::size_t>(100, 10), kBar);
  measure_client(bench, bench.sized<std::size_t>(1'000, 150), std::nullopt);
  FED_TRY(measure_codec(bench));
  measure_server(bench, bench.sized<std::size_t>(1'000, 20));
  return measure_paillier(bench);
}

}  // namespace fed::bench
