#include "crypto/random.h"

#include <sodium.h>

#include "crypto/init.h"

namespace fed::crypto {

void random_bytes(ByteSpan into) {
  init();
  if (into.empty()) return;  // whose data may be null, which the library forbids
  randombytes_buf(into.data(), into.size());
}

}  // namespace fed::crypto
