// Private keys on disk: one line of 64 hexadecimal digits in a file that only its owner can read.
//
// A file that others could have read is refused, with the chmod that protects it (and the hint that
// the key may be known already). Permissions are checked on the opened file, so it cannot be
// exchanged in between. Thread-safe.
#pragma once

#include "base/disk.h"
#include "base/error.h"
#include "crypto/secret.h"

namespace fed::crypto {

// Who may read the file. `credential` is for files that the service manager hands out (systemd's
// LoadCredential=): they belong to root and are shown with a group bit, which stands for the access
// list that names the service's user.
enum class KeyFileAccess { owner_only, credential };

// The key in `path`, in locked memory. Errors: not_found; invalid for permissions that are too
// wide; malformed for another content; io.
Result<SecretKey> load_key_file(Disk& disk, const fs::path& path,
                                KeyFileAccess access = KeyFileAccess::owner_only);

// Writes a new file of mode 0600 and syncs it and its folder. ErrorCode::already_exists if there is
// one: a key is never overwritten. No partial file is ever seen under this name.
Status create_key_file(Disk& disk, const fs::path& path, const SecretKey& key);

// The key in `path`, or a fresh random one that is created there if there is no file.
Result<SecretKey> load_or_create_key_file(Disk& disk, const fs::path& path);

}  // namespace fed::crypto
