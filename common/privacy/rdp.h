// Renyi differential privacy: what a mechanism costs at each order, how costs add up, and what the
// sum means as (epsilon, delta).
//
// A mechanism has (alpha, rdp)-RDP if the Renyi divergence of order alpha between its outputs on
// two neighbouring inputs is at most rdp (Mironov, "Renyi Differential Privacy", 2017). Here
// neighbours differ by one client that is there or not (add/remove), and what is guarded is
// everything this client ever sends. Costs of mechanisms that follow each other add up, order by
// order, also when later ones look at earlier outputs: over the steps of a round, the rounds of a
// job and the jobs of a client. So a ledger keeps one RdpCurve for each person or data set.
//
// The conversion to (epsilon, delta) holds for every order, and the best of the grid is taken. The
// grid contains the orders that Opacus takes by default and those of dp_accounting, on which
// TensorFlow Privacy stands, so for the same mechanism the epsilon here is never above theirs.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "base/error.h"

namespace fed::privacy {

// 1.1 to 10.9 in steps of 0.1; 11 to 64; then ever wider up to 1024.
inline constexpr std::size_t kRdpOrders = 169;
const std::array<double, kRdpOrders>& rdp_orders();

// The costs at rdp_orders(): each at least 0, infinity where nothing is known. Starts at 0, which
// is perfect privacy. A value; copies are independent; const calls are safe from any thread.
class RdpCurve {
 public:
  RdpCurve() = default;

  // rdp_at(alpha) for every order; a NaN counts as infinity.
  template <class Function>
  static RdpCurve of(Function&& rdp_at);
  // No privacy at all: what a round without noise costs.
  static RdpCurve unbounded();

  // What values() gave. ErrorCode::mismatch for another number of values, which is another grid;
  // ErrorCode::invalid for a negative value or a NaN.
  static Result<RdpCurve> from_values(std::span<const double> values);
  std::span<const double> values() const { return values_; }

  // One mechanism after the other.
  RdpCurve& operator+=(const RdpCurve& other);
  friend RdpCurve operator+(RdpCurve a, const RdpCurve& b) { return a += b; }
  // The same mechanism `times` times, at least 0 of them.
  RdpCurve times(double times) const;

  bool operator==(const RdpCurve&) const = default;

 private:
  void set(std::size_t i, double value);

  std::array<double, kRdpOrders> values_{};
};

// For all events, P(output | with the client) <= exp(epsilon) P(output | without) + delta, and the
// other way round.
struct Guarantee {
  double epsilon = 0;  // may be infinite
  double delta = 0;
  double order = 0;  // of the grid, where the best bound was found
};

// The least epsilon at this delta: Proposition 12 of Canonne, Kamath and Steinke, "The Discrete
// Gaussian for Differential Privacy" (2020). ErrorCode::invalid unless 0 < delta < 1.
Result<Guarantee> epsilon_at(const RdpCurve& curve, double delta);

// The least delta at this epsilon, by the same bound. ErrorCode::invalid unless epsilon >= 0.
Result<Guarantee> delta_at(const RdpCurve& curve, double epsilon);

template <class Function>
RdpCurve RdpCurve::of(Function&& rdp_at) {
  RdpCurve curve;
  for (std::size_t i = 0; i < kRdpOrders; ++i) curve.set(i, rdp_at(rdp_orders()[i]));
  return curve;
}

}  // namespace fed::privacy
