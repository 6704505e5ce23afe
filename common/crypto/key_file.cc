#include "crypto/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "crypto/random.h"

namespace fed::crypto {
namespace {

constexpr std::size_t kHexDigits = 2 * kKeyBytes;
using Line = Wiped<kHexDigits + 2>;  // with "\n" or "\r\n"

std::string octal(mode_t mode) {
  return std::string{'0', static_cast<char>('0' + (mode >> 6 & 7)),
                     static_cast<char>('0' + (mode >> 3 & 7)), static_cast<char>('0' + (mode & 7))};
}

Status check_access(const fs::path& path, const struct stat& info, KeyFileAccess access) {
  if (!S_ISREG(info.st_mode)) return Error{ErrorCode::invalid, path.string() + " is not a file"};
  const bool from_manager =
      access == KeyFileAccess::credential && (info.st_uid == 0 || info.st_uid == ::geteuid());
  const mode_t forbidden = from_manager ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if ((info.st_mode & forbidden) == 0) return {};
  return Error{ErrorCode::invalid,
               path.string() + " holds a private key, but others can read or change it (mode " +
                   octal(info.st_mode) + "): run `chmod 600 " + path.string() +
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
Status write_new(const fs::path& path, const SecretKey& key) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return from_errno("cannot create " + path.string(), errno);
  const File file(descriptor, path);
  std::string line = to_hex(key.view()) + "\n";
  Status done = file.write_at(0, view(line));
  wipe({reinterpret_cast<std::uint8_t*>(line.data()), line.size()});
  if (!done) return done;
  return file.sync(Durability::power);
}

}  // namespace

Result<SecretKey> load_key_file(const fs::path& path, KeyFileAccess access) {
  // O_NONBLOCK: opening a pipe by mistake must not hang.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return from_errno("cannot open the key file " + path.string(), errno);
  const File file(descriptor, path);
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return from_errno("cannot inspect " + path.string(), errno);
  FED_TRY(check_access(path, info, access));
  Line line;
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > line.span().size()) return parse_line(path, {});
  const ByteSpan content = ByteSpan(line.span()).first(size);
  FED_TRY(file.read_at(0, content));
  return parse_line(path, content);
}

Status create_key_file(const fs::path& path, const SecretKey& key) {
  // Written under another name and linked: the key's name never shows a partial file, and link(2)
  // refuses to replace.
  const fs::path temporary = path.string() + ".new-" + to_hex(random_array<8>());
  Status done = write_new(temporary, key);
  if (done && ::link(temporary.c_str(), path.c_str()) != 0) {
    done = from_errno("cannot create the key file " + path.string(), errno);
  }
  FED_TRY(remove_file(temporary));
  if (!done) return done;
  return sync_folder_of(path, Durability::power);
}

Result<SecretKey> load_or_create_key_file(const fs::path& path) {
  Result<SecretKey> existing = load_key_file(path);
  if (existing || existing.error().code != ErrorCode::not_found) return existing;
  SecretKey key = SecretKey::random();
  const Status created = create_key_file(path, key);
  if (created) return key;
  // Somebody else was faster: theirs counts.
  if (created.error().code == ErrorCode::already_exists) return load_key_file(path);
  return created.error();
}

}  // namespace fed::crypto
