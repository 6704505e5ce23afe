// transcript.py computes more of these again, with exact fractions.
#include "secagg/parameters.h"

#include <catch2/catch.hpp>
#include <ostream>
#include <vector>

namespace fed::secagg {

std::ostream& operator<<(std::ostream& out, const Parameters& parameters) {
  return out << "k " << parameters.neighbours << ", t " << parameters.threshold;
}

namespace {

Threat curious(std::uint32_t corrupted, std::uint32_t dropped) {
  return {Adversary::curious, corrupted, dropped};
}
Threat malicious(std::uint32_t corrupted, std::uint32_t dropped) {
  return {Adversary::semi_malicious, corrupted, dropped};
}

TEST_CASE("sparse parameters are those of the published table") {
  const auto find = [](std::uint32_t clients, const Threat& threat) {
    return sparse_graph_parameters(clients, threat).value();
  };
  CHECK(find(100, curious(50, 50)) == Parameters{12, 6});
  CHECK(find(100, malicious(50, 50)) == Parameters{16, 11});
  CHECK(find(1000, curious(50, 50)) == Parameters{30, 17});
  CHECK(find(1000, malicious(50, 50)) == Parameters{52, 37});
  CHECK(find(1000, curious(50, 330)) == Parameters{72, 24});
  CHECK(find(1000, malicious(50, 330)) == Parameters{398, 223});
  CHECK(find(10'000, curious(330, 50)) == Parameters{92, 70});
}

TEST_CASE("up to 128 clients everybody is a neighbour, beyond they are not") {
  CHECK(parameters_for(128, malicious(50, 50)).value().neighbours == 127);
  CHECK(parameters_for(129, malicious(50, 50)).value().neighbours < 128);
}

TEST_CASE("in a full graph the threshold is above the corrupted ones, or half of them more") {
  // Of ten clients, one may be corrupted: of nine holders five are more than half, and with one
  // that signs twice six.
  CHECK(full_graph_parameters(10, malicious(0, 0)).value() == Parameters{9, 5});
  CHECK(full_graph_parameters(10, malicious(100, 0)).value() == Parameters{9, 6});
  CHECK(full_graph_parameters(10, curious(100, 0)).value() == Parameters{9, 2});
  CHECK(full_graph_parameters(100, curious(50, 300)).value() == Parameters{99, 6});
  CHECK(full_graph_parameters(3, malicious(50, 50)).value() == Parameters{2, 2});
  for (std::uint32_t clients = 3; clients <= 128; ++clients) {
    for (std::uint32_t corrupted : {0u, 50u, 100u, 200u}) {
      const auto found = full_graph_parameters(clients, malicious(corrupted, 100));
      if (!found) continue;
      const std::uint32_t hostile = clients * corrupted / 1000;
      CHECK(2 * found->threshold > found->neighbours + hostile);
      CHECK(found->threshold + clients / 10 <= found->neighbours);
      CHECK(2 * (found->threshold - 1) <= found->neighbours + hostile);  // and no larger
    }
  }
}

TEST_CASE("what cannot be had is refused with what to change") {
  CHECK(parameters_for(2, {}).error().code == ErrorCode::invalid);
  CHECK(parameters_for(100'001, {}).error().code == ErrorCode::invalid);
  CHECK(parameters_for(100, malicious(1000, 0)).error().code == ErrorCode::invalid);
  CHECK(parameters_for(100, malicious(0, 1000)).error().code == ErrorCode::invalid);
  CHECK(parameters_for(100, malicious(300, 500)).error().code == ErrorCode::invalid);
  CHECK(parameters_for(1000, malicious(300, 500)).error().code == ErrorCode::invalid);
  CHECK(parameters_for(3, malicious(0, 500)).error().code == ErrorCode::invalid);
}

TEST_CASE("what parameters_for gives passes the check, one less does not") {
  for (std::uint32_t clients : {3u, 10u, 100u, 128u, 129u, 300u, 2000u}) {
    for (const Threat& threat : {curious(50, 50), malicious(50, 50), malicious(0, 100)}) {
      const Parameters good = parameters_for(clients, threat).value();
      INFO(clients << " clients: " << good);
      CHECK(check_security(clients, good, threat).has_value());
      if (good.threshold > 2) {
        CHECK_FALSE(check_security(clients, {good.neighbours, good.threshold - 1}, threat));
      }
      CHECK_FALSE(check_security(clients, {good.neighbours, good.neighbours + 1}, threat));
      CHECK_FALSE(check_security(clients, {good.neighbours + 1, good.threshold}, threat));
      if (clients > 3) CHECK_FALSE(check_security(clients, {2, 2}, threat).has_value());
    }
  }
}

TEST_CASE("parameters for a weaker adversary do not pass a stronger one's check") {
  const Parameters weak = parameters_for(1000, curious(50, 50)).value();
  CHECK(check_security(1000, weak, curious(50, 50)).has_value());
  CHECK_FALSE(check_security(1000, weak, malicious(50, 50)).has_value());
  CHECK_FALSE(check_security(1000, weak, curious(100, 50)).has_value());
  CHECK(check_security(1000, weak, curious(20, 20)).has_value());
}

TEST_CASE("more to fear never means fewer neighbours") {
  std::uint32_t before = 0;
  for (std::uint32_t rate : {10u, 50u, 100u, 150u, 200u}) {
    const auto found = sparse_graph_parameters(2000, malicious(rate, 100)).value();
    CHECK(found.neighbours >= before);
    before = found.neighbours;
  }
}

}  // namespace
}  // namespace fed::secagg
