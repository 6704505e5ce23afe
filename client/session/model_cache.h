// Model versions on the client's disk: whole ones, and the front of one that is on its way.
//
// A version is named by the SHA-256 of its plain float32 weights, so the same weights are never
// fetched twice, not even when the server seals them anew. `HASH.part` grows by whole chunks of the
// sealed blob (channel/sealed_blob.h), each of which has opened under the version's key;
// `HASH.model` exists once all of it is there, synced, and its hash is the one that was asked for.
// A download that breaks off goes on at the last whole chunk, after a restart too. Of each kind the
// newest two are kept.
//
// Not thread-safe: one owner, the client's event loop. `read_weights` may be called from any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/disk.h"
#include "channel/sealed_blob.h"
#include "crypto/hash.h"
#include "wire/messages.h"

namespace fed::session {

class ModelCache {
 public:
  // Opens or creates the folder and removes what is neither a model nor a part.
  static Result<ModelCache> open(Disk& disk, fs::path folder);

  // Says how many plain bytes of `model` are there. All of them: nothing is to be fetched. Fewer, a
  // multiple of the chunk size: a download of the rest begins, and `add` takes its sealed bytes.
  // Ends a download that was on its way. Errors: unsupported (a cipher that this machine lacks),
  // invalid (a size that is no number of float32), io, disk_full.
  Result<std::uint64_t> begin(const wire::ModelRef& model);

  // The next sealed bytes, in pieces of any size. True once the model is whole and verified. An
  // error ends the download: unauthentic (a chunk does not open) and mismatch (the hash is another)
  // remove what was there, so that the next `begin` starts at 0; disk_full and io leave it.
  Result<bool> add(ByteView sealed);

  // The download breaks off; what has arrived stays. Nothing if there is none.
  void stop() { download_.reset(); }

  // Sealed bytes that the present download still lacks; 0 if there is none.
  std::uint64_t missing() const;
  // Plain bytes of the present download that are there.
  std::uint64_t present() const;

  // Where a whole model lies.
  fs::path path(const wire::Key& hash) const;

 private:
  struct Download {
    wire::ModelRef model;
    File part;
    channel::SealedBlob blob;
    crypto::Sha256 hasher;   // of the plain bytes that are there
    std::uint64_t next = 0;  // chunk
    Bytes chunk;             // its sealed bytes so far
  };

  ModelCache(Disk& disk, fs::path folder) : disk_(&disk), folder_(std::move(folder)) {}
  fs::path part_path(const wire::Key& hash) const;
  Status resume(Download& download);
  Status add_chunk(Download& download);
  Status complete(Download& download);
  Status prune(const char* extension, const fs::path& keep) const;

  Disk* disk_;
  fs::path folder_;
  std::unique_ptr<Download> download_;
};

// The content of `path` into `into`, which has exactly its size. ErrorCode::mismatch if its SHA-256
// is not `hash`: the disk has failed, or somebody has been at it. The file is then removed.
Status read_weights(Disk& disk, const fs::path& path, const wire::Key& hash, ByteSpan into);

}  // namespace fed::session
