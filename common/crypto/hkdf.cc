#include "crypto/hkdf.h"

#include "base/error.h"
#include "crypto/hash.h"

namespace fed::crypto {

void hkdf(ByteView chaining_key, ByteView input_key_material,
          std::initializer_list<Wiped<kKeyBytes>*> outputs) {
  FED_CHECK(outputs.size() >= 1 && outputs.size() <= 255);
  Hash temporary_key = hmac_sha256(chaining_key, {input_key_material});
  Hash previous{};
  std::uint8_t counter = 0;
  for (Wiped<kKeyBytes>* output : outputs) {
    const ByteView before = counter == 0 ? ByteView() : ByteView(previous);
    ++counter;
    previous = hmac_sha256(temporary_key, {before, ByteView(&counter, 1)});
    output->assign(previous);
  }
  wipe(temporary_key);
  wipe(previous);
}

}  // namespace fed::crypto
