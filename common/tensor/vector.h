// Vectors whose first element lies on a cache line, so that kernels load whole lines and never
// straddle two.
//
// Plain values, as std::vector is: copy, move, share const. What they hold is described by a Layout
// (layout.h).
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace fed::tensor {

inline constexpr std::size_t alignment_bytes = 64;

// Allocates at multiples of `alignment_bytes`. Stateless: every object equals every other.
template <class T>
struct AlignedAllocator {
  using value_type = T;

  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{alignment_bytes}));
  }
  void deallocate(T* at, std::size_t) noexcept {
    ::operator delete (at, std::align_val_t{alignment_bytes});
  }
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
