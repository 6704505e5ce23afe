#include "train/clip.h"

#include <cmath>

#include "tensor/statistics.h"

namespace fed::train {

double clip(std::span<float> x, double norm) {
  const double before = std::sqrt(tensor::sum_of_squares(x));
  const double most = norm * (1 - std::ldexp(1.0, -20));
  if (before <= most) return before;
  // In doubles: with a factor that is a float, the error would be that of every coordinate at once.
  const double factor = most / before;
  for (float& value : x) value = static_cast<float>(static_cast<double>(value) * factor);
  return before;
}

}  // namespace fed::train
