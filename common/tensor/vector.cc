#include "tensor/vector.h"

#include <sys/mman.h>

namespace fed::tensor {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
// Below, what a vector's ends lose to small pages is most of it.
constexpr std::size_t kHugeFrom = 2 * kHugePageBytes;

std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t{bytes < kHugeFrom ? alignment_bytes : kHugePageBytes};
}

}  // namespace

void* allocate_vector(std::size_t bytes) {
  void* const at = ::operator new(bytes, alignment_of(bytes));
  // Only advice: where there are none, small pages do.
  if (bytes >= kHugeFrom) ::madvise(at, bytes / kHugePageBytes * kHugePageBytes, MADV_HUGEPAGE);
  return at;
}

void free_vector(void* at, std::size_t bytes) noexcept {
  ::operator delete(at, alignment_of(bytes));
}

}  // namespace fed::tensor
