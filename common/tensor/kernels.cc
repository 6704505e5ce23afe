#include "tensor/kernels.h"

#include <cblas.h>

#include <limits>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "base/error.h"

namespace fed::tensor {
namespace {

// OpenBLAS counts with 32 bits; a longer vector is handed over in pieces.
constexpr std::size_t piece = std::size_t{1} << 30;

blasint blas(std::int64_t extent) {
  FED_CHECK(extent >= 0 && extent <= std::numeric_limits<blasint>::max());
  return static_cast<blasint>(extent);
}

bool holds(std::size_t elements, std::int64_t rows, std::int64_t columns) {
  return elements == static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

}  // namespace

void use_single_thread() { use_threads(1); }

void use_threads(int count) { openblas_set_num_threads(count); }

void flush_denormals() {
#if defined(__SSE2__)
  constexpr unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040;
  _mm_setcsr(_mm_getcsr() | flush_to_zero | denormals_are_zero);
#elif defined(__aarch64__)
  constexpr std::uint64_t flush_to_zero = std::uint64_t{1} << 24;
  std::uint64_t control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("msr fpcr, %0" : : "r"(control | flush_to_zero));
#endif
}

void gemm(Transpose transpose_a, Transpose transpose_b, GemmShape shape, float alpha,
          std::span<const float> a, std::span<const float> b, float beta, std::span<float> c) {
  const auto [m, n, k] = shape;
  FED_CHECK(holds(a.size(), m, k) && holds(b.size(), k, n) && holds(c.size(), m, n));
  if (m == 0 || n == 0) return;
  const bool ta = transpose_a == Transpose::yes, tb = transpose_b == Transpose::yes;
  // A leading dimension of 0 is an error to BLAS even where k = 0 leaves nothing to read.
  const std::int64_t lda = ta ? m : std::max<std::int64_t>(k, 1);
  const std::int64_t ldb = tb ? std::max<std::int64_t>(k, 1) : n;
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
              blas(m), blas(n), blas(k), alpha, a.data(), blas(lda), b.data(), blas(ldb), beta,
              c.data(), blas(n));
}

void gram(std::int64_t n, std::int64_t k, std::span<const double> a, std::span<double> c) {
  FED_CHECK(holds(a.size(), n, k) && holds(c.size(), n, n));
  if (n == 0 || k == 0) return;
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, blas(n), blas(k), 1.0, a.data(), blas(k),
              1.0, c.data(), blas(n));
}

void axpy(float alpha, std::span<const float> x, std::span<float> y) {
  FED_CHECK(x.size() == y.size());
  for (std::size_t at = 0; at < x.size(); at += piece) {
    const auto count = static_cast<blasint>(std::min(piece, x.size() - at));
    cblas_saxpy(count, alpha, x.data() + at, 1, y.data() + at, 1);
  }
}

void daxpy(double alpha, std::span<const double> x, std::span<double> y) {
  FED_CHECK(x.size() == y.size());
  for (std::size_t at = 0; at < x.size(); at += piece) {
    const auto count = static_cast<blasint>(std::min(piece, x.size() - at));
    cblas_daxpy(count, alpha, x.data() + at, 1, y.data() + at, 1);
  }
}

void scale(float alpha, std::span<float> x) {
  for (float& value : x) value *= alpha;
}

double dot(std::span<const float> x, std::span<const float> y) {
  FED_CHECK(x.size() == y.size());
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  const std::size_t whole = x.size() - x.size() % lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      sums[lane] += static_cast<double>(x[i + lane]) * static_cast<double>(y[i + lane]);
    }
  }
  for (std::size_t i = whole; i < x.size(); ++i) {
    sums[i - whole] += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  }
  double sum = 0;
  for (const double lane : sums) sum += lane;
  return sum;
}

}  // namespace fed::tensor
