// HKDF as the Noise Protocol Framework, revision 34, section 4.3, has it: HMAC-SHA256, two or three
// outputs of 32 bytes.
//
// It is the HKDF of RFC 5869 with the chaining key as salt and an empty info.
#pragma once

#include <initializer_list>

#include "crypto/secret.h"

namespace fed::crypto {

// Fills `outputs` (1 to 255 of them) from the chaining key and the input key material. An output
// may be the holder of the chaining key or of the material itself. Thread-safe.
void hkdf(ByteView chaining_key, ByteView input_key_material,
          std::initializer_list<Wiped<kKeyBytes>*> outputs);

}  // namespace fed::crypto
