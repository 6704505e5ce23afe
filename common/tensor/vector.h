// Vectors whose first element lies on a cache line, so that kernels load whole lines and never
// straddle two.
//
// Large ones (4 MiB and more) begin on a huge page and ask the system for such: the first touch of
// a page costs a model's vector more than a pass over it, and a huge page is touched once for 512
// small ones.
//
// Plain values, as std::vector is: copy, move, share const. What they hold is described by a Layout
// (layout.h).
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace fed::tensor {

inline constexpr std::size_t alignment_bytes = 64;

// Memory at a multiple of `alignment_bytes`; throws std::bad_alloc. Given back with the same size.
// Thread-safe.
void* allocate_vector(std::size_t bytes);
void free_vector(void* at, std::size_t bytes) noexcept;

// Allocates at multiples of `alignment_bytes`. Stateless: every object equals every other.
template <class T>
struct AlignedAllocator {
  using value_type = T;

  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(allocate_vector(count * sizeof(T)));
  }
  void deallocate(T* at, std::size_t count) noexcept { free_vector(at, count * sizeof(T)); }
  template <class U>
  bool operator==(const AlignedAllocator<U>&) const noexcept {
    return true;
  }
};

template <class T>
using Aligned = std::vector<T, AlignedAllocator<T>>;
using Floats = Aligned<float>;
using Doubles = Aligned<double>;

}  // namespace fed::tensor
