// transcript.py computes whole graphs again.
#include "secagg/graph.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "secagg/stream.h"
#include "world.h"

namespace fed::secagg {
namespace {

Graph graph(std::uint32_t n, std::uint32_t k, std::uint64_t seed = 1) {
  crypto::Hash hash;
  seeded(seed, "graph")(hash);
  return Graph(n, k, hash);
}

// Whether the members that are not `removed` hang together.
bool connected(const Graph& of, const std::vector<bool>& removed) {
  std::vector<bool> seen = removed;
  std::vector<Member> open;
  const auto start = std::find(removed.begin(), removed.end(), false);
  open.push_back(static_cast<Member>(start - removed.begin()));
  seen[open[0]] = true;
  while (!open.empty()) {
    const Member member = open.back();
    open.pop_back();
    for (Member other : of.neighbours(member)) {
      if (seen[other]) continue;
      seen[other] = true;
      open.push_back(other);
    }
  }
  return std::find(seen.begin(), seen.end(), false) == seen.end();
}

TEST_CASE("everybody has k different neighbours, and both sides agree") {
  for (const auto& [n, k] : {std::pair(3u, 2u), {9u, 8u}, {9u, 2u}, {9u, 6u}, {200u, 30u}}) {
    const Graph made = graph(n, k);
    for (Member a = 0; a < n; ++a) {
      const auto neighbours = made.neighbours(a);
      CHECK(std::set<Member>(neighbours.begin(), neighbours.end()).size() == k);
      CHECK(std::is_sorted(neighbours.begin(), neighbours.end()));
      CHECK(made.count_neighbours(a, std::vector<bool>(n, true)) == k);
      std::vector<Member> adjacent;
      for (Member b = 0; b < n; ++b) {
        if (made.adjacent(a, b)) adjacent.push_back(b);
      }
      CHECK(adjacent == neighbours);
    }
  }
}

TEST_CASE("neighbours are counted among the marked ones only") {
  Stream marks_of{crypto::KeyView(crypto::sha256(view("marks")))};
  for (const auto& [n, k] : {std::pair(9u, 8u), {9u, 4u}, {50u, 12u}}) {
    const Graph made = graph(n, k);
    std::vector<bool> marked(n);
    for (std::size_t i = 0; i < n; ++i) marked[i] = marks_of.below(2) == 1;
    for (Member member = 0; member < n; ++member) {
      std::uint32_t expected = 0;
      for (Member other : made.neighbours(member)) expected += marked[other] ? 1 : 0;
      CHECK(made.count_neighbours(member, marked) == expected);
    }
  }
}

TEST_CASE("no k - 1 removals disconnect the graph, k do") {
  const std::uint32_t n = 9, k = 4;
  const Graph made = graph(n, k);
  bool cut = false;
  for (std::uint32_t set = 0; set < 1u << n; ++set) {
    std::vector<bool> removed(n);
    for (std::uint32_t i = 0; i < n; ++i) removed[i] = set >> i & 1;
    const auto count = std::count(removed.begin(), removed.end(), true);
    if (count < k) CHECK(connected(made, removed));
    if (count == k) cut = cut || !connected(made, removed);
  }
  CHECK(cut);
}

TEST_CASE("random removals of a third leave a graph of the right degree connected") {
  const Graph made = graph(300, 40);
  Stream losses{crypto::KeyView(crypto::sha256(view("losses")))};
  for (int round = 0; round < 50; ++round) {
    std::vector<bool> removed(300);
    for (std::size_t i = 0; i < removed.size(); ++i) removed[i] = losses.below(3) == 0;
    CHECK(connected(made, removed));
  }
}

TEST_CASE("the order depends on every bit of the seed") {
  crypto::Hash seed{};
  const auto base = Graph(100, 10, seed).neighbours(0);
  for (std::size_t byte = 0; byte < seed.size(); ++byte) {
    seed[byte] ^= 1;
    CHECK(Graph(100, 10, seed).neighbours(0) != base);
    seed[byte] ^= 1;
  }
  CHECK(Graph(100, 10, seed).neighbours(0) == base);
}

// Five clients: 120 orders, and the mean of each is 50 of 6000 draws. With 119 degrees of freedom
// the statistic exceeds 190 once in 27,000 cases.
TEST_CASE("every order is equally likely") {
  std::map<std::vector<int>, int> counts;
  crypto::Wiped<32> key;
  Stream stream(key.view());
  for (int draw = 0; draw < 6000; ++draw) {
    std::vector<int> order{0, 1, 2, 3, 4};
    stream.shuffle(std::span(order));
    ++counts[order];
  }
  CHECK(counts.size() == 120);
  double chi_square = 0;
  for (const auto& [order, count] : counts) chi_square += (count - 50.0) * (count - 50.0) / 50.0;
  CHECK(chi_square < 190);
  CHECK(chi_square > 70);
}

TEST_CASE("numbers below a bound are all there, and a large bound rejects") {
  crypto::Wiped<32> key;
  Stream stream(key.view());
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(stream.below(7));
  CHECK(seen == std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6});
  CHECK(stream.below(1) == 0);
  const std::uint64_t bound = (std::uint64_t{1} << 63) + 1;
  // Almost half of the values are thrown away here: those that would come twice.
  Stream same(key.view()), raw(key.view());
  for (int i = 0; i < 100; ++i) {
    std::uint64_t value = raw.next();
    while (value < bound - 2) value = raw.next();
    CHECK(same.below(bound) == value % bound);
  }
  for (int i = 0; i < 100; ++i) {
    const double value = stream.uniform();
    CHECK((value >= 0 && value < 1));
  }
}

}  // namespace
}  // namespace fed::secagg
