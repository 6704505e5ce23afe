#include "crypto/random.h"

#include <sodium.h>

#include "crypto/init.h"

namespace fed::crypto {

void random_bytes(ByteSpan into) {
  init();
  randombytes_buf(into.data(), into.size());
}

}  // namespace fed::crypto
