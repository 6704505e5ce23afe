#include "privacy/rdp.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fed::privacy {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::array<double, kRdpOrders> make_orders() {
  std::array<double, kRdpOrders> orders{};
  std::size_t n = 0;
  for (int tenths = 11; tenths <= 109; ++tenths) orders.at(n++) = tenths / 10.0;
  for (int order = 11; order <= 64; ++order) orders.at(n++) = order;
  for (int order : {72, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1024}) {
    orders.at(n++) = order;
  }
  FED_CHECK(n == kRdpOrders);
  return orders;
}

double epsilon_of(double order, double rdp, double delta) {
  // A divergence this small bounds the total variation by delta (Bretagnolle and Huber 1979).
  if (delta * delta + std::expm1(-rdp) >= 0) return 0;
  const double epsilon =
      rdp + std::log1p(-1 / order) - (std::log(delta) + std::log(order)) / (order - 1);
  return std::max(0.0, epsilon);
}

double delta_of(double order, double rdp, double epsilon) {
  if (std::isinf(rdp)) return 1;
  const double by_order =
      std::exp((order - 1) * (rdp - epsilon + std::log1p(-1 / order)) - std::log(order));
  return std::min({1.0, by_order, std::sqrt(-std::expm1(-rdp))});
}

}  // namespace

const std::array<double, kRdpOrders>& rdp_orders() {
  static const std::array<double, kRdpOrders> orders = make_orders();
  return orders;
}

RdpCurve RdpCurve::unbounded() {
  return of([](double) { return kInfinity; });
}

Result<RdpCurve> RdpCurve::from_values(std::span<const double> values) {
  if (values.size() != kRdpOrders) {
    return Error{ErrorCode::mismatch,
                 fmt::format("a curve has {} values, this one has {}", kRdpOrders, values.size())};
  }
  RdpCurve curve;
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    if (!(values[i] >= 0)) {
      return Error{ErrorCode::invalid, fmt::format("the cost at order {} is {}; it is at least 0",
                                                   rdp_orders()[i], values[i])};
    }
    curve.values_[i] = values[i];
  }
  return curve;
}

RdpCurve& RdpCurve::operator+=(const RdpCurve& other) {
  for (std::size_t i = 0; i < kRdpOrders; ++i) values_[i] += other.values_[i];
  return *this;
}

RdpCurve RdpCurve::times(double times) const {
  FED_CHECK(times >= 0);
  if (times == 0) return {};  // also of an infinite cost
  RdpCurve result = *this;
  for (double& value : result.values_) value *= times;
  return result;
}

void RdpCurve::set(std::size_t i, double value) {
  values_[i] = std::isnan(value) ? kInfinity : std::max(0.0, value);
}

Result<Guarantee> epsilon_at(const RdpCurve& curve, double delta) {
  if (!(delta > 0 && delta < 1)) {
    return Error{ErrorCode::invalid, fmt::format("delta is between 0 and 1, not {}", delta)};
  }
  Guarantee best{kInfinity, delta, rdp_orders().front()};
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    const double order = rdp_orders()[i];
    const double epsilon = epsilon_of(order, curve.values()[i], delta);
    if (epsilon < best.epsilon) best = {epsilon, delta, order};
  }
  return best;
}

Result<Guarantee> delta_at(const RdpCurve& curve, double epsilon) {
  if (!(epsilon >= 0)) {
    return Error{ErrorCode::invalid, fmt::format("epsilon is at least 0, not {}", epsilon)};
  }
  Guarantee best{epsilon, 1, rdp_orders().front()};
  for (std::size_t i = 0; i < kRdpOrders; ++i) {
    const double order = rdp_orders()[i];
    const double delta = delta_of(order, curve.values()[i], epsilon);
    if (delta < best.delta) best = {epsilon, delta, order};
  }
  return best;
}

}  // namespace fed::privacy
