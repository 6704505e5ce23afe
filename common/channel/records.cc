#include "channel/records.h"

namespace fed::channel {
namespace {

// Both ends come here after the same record, so no message is needed.
void rekey_when_due(CipherState& cipher) {
  if (cipher.nonce() % kRecordsPerRekey == 0) cipher.rekey();
}

bool exists(Kind kind) { return kind >= Kind::control && kind <= Kind::end; }

}  // namespace

Status Sealer::check(std::size_t body_bytes) const {
  if (ended_) return Error{ErrorCode::closed, "this side has already ended the session"};
  if (body_bytes > kRecordBodyBytesMax) {
    return Error{ErrorCode::too_large, "the body does not fit a record of 64 KiB"};
  }
  return {};
}

Status Sealer::seal(Kind kind, ByteView body, Bytes& out) {
  FED_TRY(check(body.size()));
  const std::size_t begin = out.size();
  out.resize(begin + kRecordBodyAt);
  append(out, body);
  out.resize(begin + kRecordOverheadBytes + body.size());
  return seal_in_place(kind, ByteSpan(out).subspan(begin));
}

Status Sealer::seal_in_place(Kind kind, ByteSpan record) {
  FED_CHECK(exists(kind) && record.size() >= kRecordOverheadBytes);
  FED_TRY(check(record.size() - kRecordOverheadBytes));
  const ByteSpan ciphertext = record.subspan(kRecordLengthBytes);
  store_be16(record.data(), static_cast<std::uint16_t>(ciphertext.size()));
  ciphertext[0] = static_cast<std::uint8_t>(kind);
  cipher_.encrypt_with_ad({}, ciphertext);
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
