#include "crypto/key_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/access.h"
#include "crypto/random.h"

namespace fed::crypto {
namespace {

constexpr std::size_t kHexDigits = 2 * kKeyBytes;
using Line = Wiped<kHexDigits + 2>;  // with "\n" or "\r\n"

Status check_access(const fs::path& path, const FileInfo& info, KeyFileAccess access) {
  if (info.kind != FileInfo::Kind::file) {
    return Error{ErrorCode::invalid, path.string() + " is not a file"};
  }
  const bool from_manager =
      access == KeyFileAccess::credential && (info.owner == 0 || info.owner == ::geteuid());
  const unsigned forbidden = from_manager ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if ((info.mode & forbidden) == 0) return {};
  return Error{ErrorCode::invalid,
               path.string() + " holds a private key, but others can read or change it (mode " +
                   mode_text(info.mode) + "): run `chmod 600 " + path.string() +
                   "`, and make a new key if somebody may have read this one"};
}

Result<SecretKey> parse_line(const fs::path& path, ByteView line) {
  std::string_view digits = text(line);
  if (digits.ends_with('\n')) digits.remove_suffix(1);
  if (digits.ends_with('\r')) digits.remove_suffix(1);
  Result<Bytes> bytes = from_hex(digits);
  if (!bytes || bytes->size() != kKeyBytes) {
    if (bytes) wipe(*bytes);
    return Error{ErrorCode::malformed,
                 path.string() +
                     " is not a key file: it must hold one line of 64 hexadecimal "
                     "digits; restore it from a backup"};
  }
  SecretKey key(KeyView(bytes->data(), kKeyBytes));
  wipe(*bytes);
  return key;
}

// The key's line in a new file `path`, on disk when this returns.
Status write_new(Disk& disk, const fs::path& path, const SecretKey& key) {
  FED_ASSIGN(file, disk.open_to_write(path, 0600));
  std::string line = to_hex(key.view()) + "\n";
  Status done = file.write_at(0, view(line));
  wipe({reinterpret_cast<std::uint8_t*>(line.data()), line.size()});
  if (!done) return done;
  return file.sync(Durability::power);
}

}  // namespace

Result<SecretKey> load_key_file(Disk& disk, const fs::path& path, KeyFileAccess access) {
  auto opened = disk.open_to_read(path);
  if (!opened) return within("the key file", opened.error());
  const File file = std::move(*opened);
  FED_ASSIGN(info, file.inspect());
  FED_TRY(check_access(path, info, access));
  Line line;
  if (info.bytes > line.span().size()) return parse_line(path, {});
  const ByteSpan content = ByteSpan(line.span()).first(info.bytes);
  FED_TRY(file.read_at(0, content));
  return parse_line(path, content);
}

Status create_key_file(Disk& disk, const fs::path& path, const SecretKey& key) {
  // Written under another name and linked: the key's name never shows a partial file, and a link
  // does not replace.
  const fs::path temporary = path.string() + ".new-" + to_hex(random_array<8>());
  Status done = write_new(disk, temporary, key);
  if (done) done = disk.link(temporary, path);
  FED_TRY(disk.remove(temporary));
  if (!done) return within("the key file", done.error());
  return sync_folder_of(disk, path, Durability::power);
}

Result<SecretKey> load_or_create_key_file(Disk& disk, const fs::path& path) {
  Result<SecretKey> existing = load_key_file(disk, path);
  if (existing) {
    // Who made it may have died before its name was on the disk.
    FED_TRY(sync_folder_of(disk, path, Durability::power));
    return existing;
  }
  if (existing.error().code != ErrorCode::not_found) return existing;
  SecretKey key = SecretKey::random();
  const Status created = create_key_file(disk, path, key);
  if (created) return key;
  // Somebody else was faster: theirs counts.
  if (created.error().code == ErrorCode::already_exists) return load_key_file(disk, path);
  return created.error();
}

}  // namespace fed::crypto
