// Clipping: what bounds the influence of one client, so that noise can hide it.
#pragma once

#include <span>

namespace fed::train {

// Scales x to the Euclidean norm `norm` if it is longer: x min(1, norm / |x|) (McMahan et al. 2018,
// "Learning differentially private recurrent language models", section 3.2), and less by one part
// in 2^20, so that rounding to floats leaves it within `norm`, as the server sees it. x is finite,
// norm > 0. Returns the norm before. Pure; safe from any thread.
double clip(std::span<float> x, double norm);

}  // namespace fed::train
