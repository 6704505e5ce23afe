#include "secagg/roster.h"

namespace fed::secagg {

crypto::Hash statement(const SignedKeys& keys, const crypto::Hash& terms) {
  return Transcript("keys")
      .add(terms)
      .add(keys.id)
      .add(keys.mask_key)
      .add(keys.share_key)
      .add(keys.self_commitment)
      .finish();
}

crypto::Hash keys_hash(const crypto::Hash& terms, const std::vector<SignedKeys>& entries) {
  Transcript transcript("roster");
  transcript.add(terms).add_number(entries.size());
  for (const SignedKeys& keys : entries) {
    transcript.add(statement(keys, terms)).add(keys.signature);
  }
  return transcript.finish();
}

crypto::Hash context_hash(const crypto::Hash& keys, const Parameters& parameters) {
  return Transcript("context")
      .add(keys)
      .add_number(parameters.neighbours)
      .add_number(parameters.threshold)
      .finish();
}

Graph graph_of(const crypto::Hash& keys, std::size_t clients, const Parameters& parameters) {
  const crypto::Hash seed = Transcript("graph").add(keys).finish();
  return Graph(static_cast<std::uint32_t>(clients), parameters.neighbours, seed);
}

}  // namespace fed::secagg
