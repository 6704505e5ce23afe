// One start for the cryptographic library behind this folder (libsodium, included here and nowhere
// else).
#pragma once

namespace fed::crypto {

// Prepares the library; aborts if the machine has no source of randomness. A daemon calls it first
// thing, so that this shows at start-up; functions here that depend on it call it too, so
// forgetting it is no fault. Cheap when repeated; thread-safe.
void init();

// Keys, and what is sealed under them, do not leave this process's memory by a core dump or a
// debugger of the same user: prctl(PR_SET_DUMPABLE, 0), and no core file. Called by main(); a child
// that runs another program is as before but for the limit. False: the system refused one of the
// two.
bool forbid_dumps();

}  // namespace fed::crypto
