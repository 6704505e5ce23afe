// Sums and tails in log space, for probabilities too small or too large to be written down.
//
// Of long double, because an accountant subtracts numbers that are nearly equal. Pure functions;
// safe from any thread.
#pragma once

namespace fed::privacy {

// log(exp(a_1) + exp(a_2) + ...) of the terms so far; minus infinity without any. A value; one
// owner.
class LogSum {
 public:
  void add(long double log_term);
  long double log() const;

 private:
  long double largest_ = 0;
  long double scaled_ = 0;  // the sum divided by exp(largest_); 0 at first
};

// log(exp(x) - 1) for x > 0.
long double log_expm1(long double x);

// log(1 + exp(x)).
long double log1p_exp(long double x);

// The logarithm of P(Z > x) of a standard normal Z, also where the probability underflows.
long double log_normal_tail(long double x);

}  // namespace fed::privacy
