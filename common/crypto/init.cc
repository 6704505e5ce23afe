#include "crypto/init.h"

#include <sodium.h>

#include "base/error.h"

namespace fed::crypto {

void init() {
  // 1 means "already done", for example by another library in this process.
  static const bool ready = sodium_init() >= 0;
  FED_CHECK(ready);
}

}  // namespace fed::crypto
