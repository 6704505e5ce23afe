#include "channel/suite.h"

namespace fed::channel {

crypto::Aead aead_of(Suite suite) {
  return suite == Suite::aesgcm ? crypto::Aead::aes256_gcm : crypto::Aead::chacha20_poly1305;
}

const char* name(Suite suite) { return suite == Suite::aesgcm ? "AESGCM" : "ChaChaPoly"; }

Result<Suite> suite_from(std::string_view name) {
  if (name == "AESGCM") return Suite::aesgcm;
  if (name == "ChaChaPoly") return Suite::chachapoly;
  return Error{ErrorCode::invalid,
               "unknown cipher \"" + std::string(name) + "\": it is AESGCM or ChaChaPoly"};
}

std::string protocol_name(Pattern pattern, Suite suite) {
  const std::string handshake = pattern == Pattern::xk ? "XK" : "XKpsk3";
  return "Noise_" + handshake + "_25519_" + name(suite) + "_SHA256";
}

SuiteSet suites_supported() {
  const SuiteSet always = set_of(Suite::chachapoly);
  if (!crypto::aes_available()) return always;
  return static_cast<SuiteSet>(always | set_of(Suite::aesgcm));
}

Suite choose_suite(SuiteSet server) {
  const bool aes = (server & suites_supported() & set_of(Suite::aesgcm)) != 0;
  return aes ? Suite::aesgcm : Suite::chachapoly;
}

}  // namespace fed::channel
