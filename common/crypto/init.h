// One start for the cryptographic library behind this folder (libsodium, included here and nowhere
// else).
#pragma once

namespace fed::crypto {

// Prepares the library; aborts if the machine has no source of randomness. A daemon calls it first
// thing, so that this shows at start-up; functions here that depend on it call it too, so
// forgetting it is no fault. Cheap when repeated; thread-safe.
void init();

}  // namespace fed::crypto
