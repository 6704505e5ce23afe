// Coins of exactly known probability: a fraction, or exp(-gamma) of a fraction.
//
// No floating point anywhere: random bits are compared with the binary expansion of the probability
// until they differ, so the outcome has the probability that is asked for to the last bit, however
// long its expansion. exp(-gamma) is Algorithm 1 of Canonne, Kamath and Steinke ("The Discrete
// Gaussian for Differential Privacy", 2020). The expected cost is a few words; how many are used
// depends on the outcome, so the time does too (the paper's section on timing attacks: draw many at
// once, and hand out nothing before all are drawn).
//
// The functions keep no state; a RandomSource has one owner.
#pragma once

#include "privacy/fraction.h"
#include "privacy/random_source.h"
#include "privacy/wide.h"

namespace fed::privacy {

// True with probability numerator / denominator, which is at most 1: the coin that decides whether
// a client is in a round's cohort (Poisson sampling), among others. One word, rarely more.
bool bernoulli(Fraction probability, RandomSource& source);

// The same of 128-bit integers, denominator above 0.
bool bernoulli(Wide numerator, Wide denominator, RandomSource& source);

// True with probability exp(-numerator / denominator), for any fraction of at least 0.
bool bernoulli_exp(Wide numerator, Wide denominator, RandomSource& source);

// True with probability exp(-1).
bool bernoulli_exp_one(RandomSource& source);

}  // namespace fed::privacy
