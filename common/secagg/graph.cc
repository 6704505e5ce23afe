#include "secagg/graph.h"

#include <algorithm>
#include <numeric>

#include "secagg/stream.h"

namespace fed::secagg {

Graph::Graph(std::uint32_t n, std::uint32_t k, const crypto::Hash& seed)
    : degree_(k), order_(n), place_(n) {
  FED_CHECK(n >= 3 && (k == n - 1 || (k >= 2 && k % 2 == 0 && k < n - 1)));
  std::iota(order_.begin(), order_.end(), Member{0});
  Stream stream{crypto::KeyView(seed)};
  stream.shuffle(std::span(order_));
  for (std::uint32_t place = 0; place < n; ++place) place_[order_[place]] = place;
}

std::vector<Member> Graph::neighbours(Member member) const {
  std::vector<Member> found;
  found.reserve(degree_);
  if (degree_ == size() - 1) {
    for (Member other = 0; other < size(); ++other) {
      if (other != member) found.push_back(other);
    }
    return found;
  }
  for (std::uint32_t step = 1; step <= degree_ / 2; ++step) {
    found.push_back(at(place_[member] + step));
    found.push_back(at(place_[member] + size() - step));
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool Graph::adjacent(Member a, Member b) const {
  if (a == b) return false;
  if (degree_ == size() - 1) return true;
  const std::uint32_t apart = place_[a] > place_[b] ? place_[a] - place_[b] : place_[b] - place_[a];
  return std::min(apart, size() - apart) <= degree_ / 2;
}

std::uint32_t Graph::count_neighbours(Member member, const std::vector<bool>& marks) const {
  std::uint32_t count = 0;
  if (degree_ == size() - 1) {
    for (Member other = 0; other < size(); ++other) count += marks[other] && other != member;
    return count;
  }
  for (std::uint32_t step = 1; step <= degree_ / 2; ++step) {
    count += marks[at(place_[member] + step)];
    count += marks[at(place_[member] + size() - step)];
  }
  return count;
}

}  // namespace fed::secagg
