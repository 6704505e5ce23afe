#include "channel/records.h"

namespace fed::channel {
namespace {

// Both ends come here after the same record, so no message is needed.
void rekey_when_due(CipherState& cipher) {
  if (cipher.nonce() % kRecordsPerRekey == 0) cipher.rekey();
}

bool exists(Kind kind) { return kind >= Kind::control && kind <= Kind::end; }

}  // namespace

Status Sealer::seal(Kind kind, ByteView header, ByteView payload, Bytes& out) {
  FED_CHECK(exists(kind));
  if (ended_) return Error{ErrorCode::closed, "this side has already ended the session"};
  if (header.size() > kRecordBodyBytesMax || payload.size() > kRecordBodyBytesMax - header.size()) {
    return Error{ErrorCode::too_large, "the body does not fit a record of 64 KiB"};
  }
  const std::size_t begin = out.size();
  const std::size_t ciphertext_bytes = 1 + header.size() + payload.size() + kTagBytes;
  // records.
  out.resize(begin + kRecordLengthBytes);
  store_be16(out.data() + begin, static_cast<std::uint16_t>(ciphertext_bytes));
  out.push_back(static_cast<std::uint8_t>(kind));
  append(out, header);
  append(out, payload);
  out.resize(begin + kRecordLengthBytes + ciphertext_bytes);
  cipher_.encrypt_with_ad({}, ByteSpan(out).subspan(begin + kRecordLengthBytes));
  rekey_when_due(cipher_);
  ended_ = kind == Kind::end;
  return {};
}

Result<Record> Opener::open(ByteSpan ciphertext) {
  if (ended_) return Error{ErrorCode::closed, "the peer has sent a record after the end"};
  if (failed_) return Error{ErrorCode::closed, "the channel has failed already"};
  failed_ = true;  // until all of it has succeeded
  if (ciphertext.size() < kRecordCiphertextBytesMin) {
    return Error{ErrorCode::malformed, "a record that is too short"};
  }
  FED_ASSIGN(plain, cipher_.decrypt_with_ad({}, ciphertext));
  const Record record{Kind{plain[0]}, plain.subspan(1)};
  if (!exists(record.kind)) return Error{ErrorCode::malformed, "a record of an unknown kind"};
  rekey_when_due(cipher_);
  ended_ = record.kind == Kind::end;
  failed_ = false;
  return record;
}

}  // namespace fed::channel
