// What a client may say wrongly in a secure sum: lies that the server, or those who hold shares,
// can see. A wrong input is none of them: nobody sees a single one.
#pragma once

#include "base/random.h"
#include "wire/messages.h"

namespace fed::sim {

enum class SumLie {
  none,
  keys_unsigned,      // the signature of its keys is not of these keys
  another_name,       // its keys are under a name that is not its own
  share_too_few,      // one neighbour gets none
  garbled_shares,     // no neighbour can open its own
  wrong_commitments,  // no share is the one that was promised
  unsigned_set,       // the survivors' list is signed wrongly
  garbled_reveal,     // the shares that it gives back are others
  shares_of_strangers,
  refusal,  // for no reason
  silence
};
inline constexpr int kSumLies = 11;
const char* name(SumLie lie);

// Makes the lie of what it would have said, if it can be made of it; false: it is said as it is.
bool lie_in_sum(SumLie lie, wire::Message& message);

// Of which sum a client says something there; null: of none.
const wire::SecureName* sum_name_of(const wire::Message& message);

}  // namespace fed::sim
