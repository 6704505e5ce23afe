#include "data/split.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <set>

#include "data/holdout.h"
#include "data/support.h"

namespace fed::data {
namespace {

// 10 classes of 600 rows, in turn.
std::vector<std::uint32_t> ten_classes(std::size_t rows = 6000) {
  std::vector<std::uint32_t> classes(rows);
  for (std::size_t i = 0; i < rows; ++i) classes[i] = static_cast<std::uint32_t>(i % 10);
  return classes;
}

// Rows of [client][class]. Every row being in one part is the shape of `assign`'s answer; the parts
// must exist.
std::vector<std::vector<std::int64_t>> table(const std::vector<std::uint32_t>& parts,
                                             const std::vector<std::uint32_t>& classes,
                                             std::size_t clients) {
  REQUIRE(parts.size() == classes.size());
  std::vector<std::vector<std::int64_t>> counts(clients, std::vector<std::int64_t>(10, 0));
  for (std::size_t i = 0; i < parts.size(); ++i) ++counts.at(parts[i]).at(classes[i]);
  return counts;
}

std::int64_t total(const std::vector<std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

// Mean over the classes of the sum of squared shares: 1/N when even, 1 when one client has all of
// each class.
double concentration(const std::vector<std::vector<std::int64_t>>& counts) {
  double sum = 0;
  for (std::size_t label = 0; label < 10; ++label) {
    double of_class = 0, squares = 0;
    for (const auto& client : counts) {
      of_class += static_cast<double>(client[label]);
      squares += std::pow(static_cast<double>(client[label]), 2);
    }
    sum += squares / (of_class * of_class);
  }
  return sum / 10;
}

TEST_CASE("schemes are read, and what is none is refused") {
  CHECK(parse_scheme("iid").value() == Scheme{});
  CHECK(parse_scheme("dirichlet:0.5").value() ==
        Scheme{.kind = Scheme::Kind::dirichlet, .concentration = 0.5});
  CHECK(parse_scheme("labels:2").value() == Scheme{.kind = Scheme::Kind::labels, .labels = 2});
  for (const char* text : {"", "iid:1", "IID", "shards", "shards:2"}) {
    CHECK(parse_scheme(text).error().detail == "\"" + std::string(text) +
                                                   "\" is not a scheme; allowed: iid, "
                                                   "dirichlet:CONCENTRATION, labels:COUNT");
  }
  for (const char* text : {"dirichlet", "dirichlet:", "dirichlet:0", "dirichlet:-1",
                           "dirichlet:nan", "dirichlet:inf", "dirichlet:1e7", "dirichlet:0.5x"}) {
    CHECK(parse_scheme(text).error().detail ==
          "\"" + std::string(text) +
              "\" needs a concentration above 0, at most 1000000, as in dirichlet:0.5");
  }
  for (const char* text :
       {"labels", "labels:", "labels:0", "labels:-2", "labels:1.5", "labels:2 "}) {
    CHECK(parse_scheme(text).error().detail ==
          "\"" + std::string(text) +
              "\" needs a whole number of labels, at least 1, as in labels:2");
  }
}

TEST_CASE("a seed repeats its split, another gives another") {
  const auto classes = ten_classes();
  for (const char* text : {"iid", "dirichlet:0.5", "labels:2"}) {
    const Scheme scheme = parse_scheme(text).value();
    const auto once = assign(scheme, classes, 10, 7).value();
    CHECK(assign(scheme, classes, 10, 7).value() == once);
    CHECK(assign(scheme, classes, 10, 8).value() != once);
  }
}

TEST_CASE("iid parts have the same size and, nearly, the same classes") {
  const auto classes = ten_classes();
  const auto counts = table(assign(Scheme{}, classes, 7, 1).value(), classes, 7);
  for (const auto& client : counts) {
    CHECK((total(client) == 857 || total(client) == 858));
    for (std::int64_t rows : client) CHECK(std::abs(rows - 86) < 40);  // over 4 deviations
  }
  const auto each = assign(Scheme{}, ten_classes(5), 5, 1).value();
  CHECK(std::set(each.begin(), each.end()).size() == 5);
}

TEST_CASE("a large Dirichlet concentration is nearly even, a small one is not") {
  const auto classes = ten_classes();
  const auto share = [&](double alpha, std::uint64_t seed) {
    const Scheme scheme{.kind = Scheme::Kind::dirichlet, .concentration = alpha};
    const auto counts = table(assign(scheme, classes, 10, seed).value(), classes, 10);
    for (const auto& client : counts) CHECK(total(client) >= kPartRowsMin);
    return concentration(counts);
  };
  CHECK(share(1e6, 1) == Approx(0.1).epsilon(1e-3));
  // E[sum of p^2] of a symmetric Dirichlet distribution over n is (alpha + 1) / (n alpha + 1).
  for (double alpha : {0.2, 0.5, 2.0}) {
    double mean = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) mean += share(alpha, seed) / 40;
    CHECK(mean == Approx((alpha + 1) / (10 * alpha + 1)).epsilon(0.07));
  }
}

TEST_CASE("a Dirichlet split that cannot give every client its rows says so") {
  const Scheme scheme{.kind = Scheme::Kind::dirichlet, .concentration = 0.5};
  CHECK(assign(scheme, ten_classes(60), 10, 1).error().detail ==
        "60 rows cannot give 10 clients at least 10 each");
  const Scheme extreme{.kind = Scheme::Kind::dirichlet, .concentration = 1e-9};
  CHECK(assign(extreme, ten_classes(), 20, 1).error().detail ==
        "none of 1000 draws gave every client 10 rows; choose fewer clients or a larger "
        "concentration than 1e-09");
}

TEST_CASE("with labels:K every client has K labels and every label is used alike") {
  const auto classes = ten_classes();
  for (const auto& [labels, clients] : std::vector<std::pair<std::int64_t, std::size_t>>{
           {1, 10}, {2, 5}, {2, 10}, {3, 10}, {2, 37}, {10, 4}, {4, 3}}) {
    const Scheme scheme{.kind = Scheme::Kind::labels, .labels = labels};
    const auto parts = assign(scheme, classes, static_cast<std::int64_t>(clients), 3).value();
    const auto counts = table(parts, classes, clients);
    std::vector<std::int64_t> uses(10, 0);
    for (const auto& client : counts) {
      CHECK(10 - std::count(client.begin(), client.end(), 0) == labels);
      for (std::size_t label = 0; label < 10; ++label) uses[label] += client[label] > 0 ? 1 : 0;
    }
    const auto [least, most] = std::minmax_element(uses.begin(), uses.end());
    CHECK(*most - *least <= 1);
    for (const auto& client : counts) {
      for (std::size_t label = 0; label < 10; ++label) {
        if (client[label] > 0) CHECK(std::abs(client[label] - 600 / uses[label]) <= 1);
      }
    }
  }
}

TEST_CASE("label splits that cannot be are refused") {
  const auto refusal = [](std::int64_t labels, std::int64_t clients, std::size_t rows = 6000) {
    const Scheme scheme{.kind = Scheme::Kind::labels, .labels = labels};
    return assign(scheme, ten_classes(rows), clients, 1).error().detail;
  };
  CHECK(refusal(11, 5) == "11 labels a client are more than the 10 classes of the data");
  CHECK(refusal(2, 4) ==
        "4 clients of 2 labels leave some of the 10 classes out; use at least 5 clients");
  CHECK(refusal(5, 20, 50) == "a class of 5 rows cannot be dealt to 10 clients");
  CHECK(refusal(1, 0) == "0 clients; allowed: 1 to 10000");
  CHECK(refusal(1, 10001) == "10001 clients; allowed: 1 to 10000");
  CHECK(refusal(1, 11, 10) == "10 rows cannot be dealt to 11 clients");
}

TEST_CASE("held-out rows are as many as asked, chosen by the seed alone") {
  const auto count = [](std::int64_t rows, double fraction) {
    const auto held_out = hold_out(rows, fraction, 1);
    CHECK(held_out.size() == static_cast<std::size_t>(rows));
    return std::count(held_out.begin(), held_out.end(), 1);
  };
  CHECK(count(1000, 0.2) == 200);
  CHECK(count(1000, 0) == 0);
  CHECK(count(10, 0.25) == 3);
  CHECK(count(3, 0.99) == 2);  // one row is left
  CHECK(count(1, 0.9) == 0);
  CHECK(count(5, 1) == 5);
  CHECK(count(0, 0.2) == 0);
  CHECK(hold_out(1000, 0.2, 1) == hold_out(1000, 0.2, 1));
  CHECK(hold_out(1000, 0.2, 1) != hold_out(1000, 0.2, 2));
  std::vector<int> chosen(20, 0);  // every row is chosen about as often
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const auto held_out = hold_out(20, 0.25, seed);
    for (std::size_t i = 0; i < 20; ++i) chosen[i] += held_out[i];
  }
  for (int times : chosen) CHECK(std::abs(times - 500) < 100);  // 5 deviations
}

TEST_CASE("a dataset is filled in the order of its rows") {
  const std::vector<std::uint8_t> held_out{0, 1, 0, 1, 1};
  DatasetBuilder builder(held_out, 2);
  for (int i = 0; i < 5; ++i) {
    const auto features = builder.add(static_cast<float>(i));
    features[0] = static_cast<float>(10 * i);
    features[1] = static_cast<float>(10 * i + 1);
  }
  const auto dataset = std::move(builder).report();
  CHECK(dataset.train.features == tensor::Floats{0, 1, 20, 21});
  CHECK(dataset.train.labels == tensor::Floats{0, 2});
  CHECK(dataset.holdout.features == tensor::Floats{10, 11, 30, 31, 40, 41});
  CHECK(dataset.holdout.labels == tensor::Floats{1, 3, 4});
  CHECK(dataset.holdout.rows == 3);
}

}  // namespace
}  // namespace fed::data
