#include "secagg/messages.h"

#include <algorithm>

namespace fed::secagg {
namespace {

void add(Transcript& transcript, const std::vector<Member>& members) {
  transcript.add(as_bytes(std::span(members)));
}

}  // namespace

crypto::Hash statement(const SurvivorSet& set, const crypto::Hash& context) {
  Transcript transcript("survivors");
  transcript.add(context);
  add(transcript, set.survivors);
  add(transcript, set.dropped);
  return transcript.finish();
}

bool well_formed(const std::vector<Member>& members, std::size_t clients) {
  const auto no_ascent = [](Member a, Member b) { return a >= b; };
  return std::adjacent_find(members.begin(), members.end(), no_ascent) == members.end() &&
         (members.empty() || members.back() < clients);
}

std::vector<bool> marks(const std::vector<Member>& members, std::size_t clients) {
  std::vector<bool> marked(clients);
  for (Member member : members) marked[member] = true;
  return marked;
}

}  // namespace fed::secagg
