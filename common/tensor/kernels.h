// The arithmetic of the project: free functions over flat arrays of float32.
//
// Every function works on the spans it is given, allocates nothing and may be called from any
// thread (outputs must not be shared). Sizes that do not fit together are bugs and abort. Matrices
// are in row-major order. OpenBLAS does the work where it is the fastest; its results differ
// between processors in the last bits, but repeat on one.
#pragma once

#include <cstdint>
#include <span>

namespace fed::tensor {

// Once for a process: OpenBLAS uses the calling thread only. Parallelism is ours, by rows, tiles or
// clients.
void use_single_thread();

// The other choice, for a process that trains one model at a time: OpenBLAS spreads each product
// over `count` >= 1 threads. Sums may then round differently than with another count.
void use_threads(int count);

// Once for each computing thread: denormal numbers count as zero. They are up to 16 times slower,
// and a hostile update could consist of them. Does nothing on processors that have no such switch.
void flush_denormals();

// ---- Linear algebra ----

enum class Transpose { no, yes };

struct GemmShape {
  std::int64_t m = 0, n = 0, k = 0;
};

// c [m × n] = alpha · op(a) [m × k] · op(b) [k × n] + beta · c. A transposed a is stored [k × m], b
// [n × k]. c is not read where beta is 0.
void gemm(Transpose transpose_a, Transpose transpose_b, GemmShape shape, float alpha,
          std::span<const float> a, std::span<const float> b, float beta, std::span<float> c);

// c [n × n] += a · aᵀ, with a [n × k], in doubles; only c's upper triangle (row <= column) is
// written. Tiles of k may follow each other: distances between updates that do not fit memory
// together.
void gram(std::int64_t n, std::int64_t k, std::span<const double> a, std::span<double> c);

// y += alpha · x, in floats and in doubles.
void axpy(float alpha, std::span<const float> x, std::span<float> y);
void daxpy(double alpha, std::span<const double> x, std::span<double> y);

void scale(float alpha, std::span<float> x);

// Sum of x[i] · y[i], products and sums in doubles.
double dot(std::span<const float> x, std::span<const float> y);

// ---- Activations, in place, and their derivatives ----
//
// The derivative is taken from the activation's own output y: dy[i] *= f'(x[i]), where y[i] =
// f(x[i]).

void relu(std::span<float> x);  // max(x, 0); its derivative at 0 is 0
void d_relu(std::span<const float> y, std::span<float> dy);
void tanh(std::span<float> x);
void d_tanh(std::span<const float> y, std::span<float> dy);
void sigmoid(std::span<float> x);  // 1 / (1 + e^-x), without overflow for any x
void d_sigmoid(std::span<const float> y, std::span<float> dy);

}  // namespace fed::tensor
