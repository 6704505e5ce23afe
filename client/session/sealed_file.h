// A file that can be read with a storage key only.
//
// | bytes | what                                                                        |
// |-------|-----------------------------------------------------------------------------|
// | 8     | "fedseal1"                                                                  |
// | 1, 7  | the cipher (crypto::Aead), zeros                                            |
// | 8     | KeyId of the storage key                                                    |
// | 8     | the plaintext's size, little-endian                                         |
// | 32    | salt, random, fresh for each file that is written                           |
// | 16    | check                                                                       |
// | rest  | the plaintext, sealed in chunks of 64 KiB as channel/sealed_blob.h has them |
//
// HKDF of the storage key over the first 64 bytes and the file's name (without its folder) gives
// the key of the chunks and the check. So each file has a key of its own, under which chunk i is
// sealed once, with nonce i and the size as associated data; and a file opens only under the name
// that it was written as, with the header that it was written with, whole. Chunks open one by one,
// at any offset: memory does not depend on the size. Thread-safe, but a File has one owner.
#pragma once

#include <functional>

#include "base/disk.h"
#include "channel/sealed_blob.h"
#include "session/storage_key.h"

namespace fed::session {

inline constexpr std::size_t kSealHeaderBytes = 80;

// Where the plaintext comes from: the bytes of one chunk, valid until the next call.
using Plaintext = std::function<Result<ByteView>(const channel::ByteRange&)>;

// Like replace_file with Durability::power: `path` has the old or the new content. `bytes` is at
// most channel::kBlobBytesMax.
Status write_sealed(Disk& disk, const StorageKey& key, const fs::path& path, std::uint64_t bytes,
                    const Plaintext& plaintext);
Status write_sealed(Disk& disk, const StorageKey& key, const fs::path& path, ByteView plaintext);

// The plaintext as a File, to be read only; it may outlive the key. A chunk that does not open is
// ErrorCode::unauthentic, and so is whatever is asked of that File from then on, its size as well.
// Errors: mismatch (sealed with another key), unsupported (a cipher that this machine lacks),
// malformed (not a sealed file), unauthentic (not what was written there), not_found, io.
Result<File> open_sealed(Disk& disk, const StorageKey& key, const fs::path& path);

// Whether `path` begins as a sealed file does. Errors: not_found, io.
Result<bool> is_sealed(Disk& disk, const fs::path& path);

}  // namespace fed::session
