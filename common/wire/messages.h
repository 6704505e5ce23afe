// The control messages as plain values: what the rest of the program sees of schemas/wire.fbs.
//
// A decoded message has passed every check that needs no context: tags, sizes of keys and hashes,
// names, finiteness, limits on text and lists. Whether a task exists or a client may do a thing is
// for whoever receives it. Plain values; copy and move freely.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "wire/decryption_messages.h"
#include "wire/secure_messages.h"

namespace fed::wire {

inline constexpr std::uint16_t kProtocol = 1;

// Limits of one message, in bytes and entries. A server reads at most kFromClientBytesMax at a time
// from a client.
inline constexpr std::size_t kFromClientBytesMax = 96 * 1024;
inline constexpr std::size_t kFromServerBytesMax = 4 * 1024 * 1024;
inline constexpr std::size_t kInlineBytesMax = 64 * 1024;
inline constexpr std::size_t kTextMax = 4096;
inline constexpr std::size_t kSpecMax = 2 * 1024 * 1024;
inline constexpr std::size_t kMetricsMax = 32;
inline constexpr std::size_t kColumnsMax = 65536;
inline constexpr std::size_t kPrivacyTasksMax = 65536;

using Key = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;
using Metrics = std::vector<std::pair<std::string, double>>;  // "loss" → 0.31; finite values only

struct Hello {
  std::uint16_t protocol = kProtocol;
  std::string software;
};

// Only in a session of pattern XKpsk3. The signature is Ed25519 over the handshake hash.
struct Join {
  Key identity_key{};
  Signature signature{};
};
struct Joined {
  std::string client;
};

struct Welcome {
  std::string client;
  std::string software;
  double idle_s = 0;
};

// The job's canonical JSON, to be checked by the client as if its own administrator had written it.
struct JobOffer {
  std::string job;
  std::string spec;
};
struct JobAnswer {
  std::string job;
  bool able = false;
  std::int64_t examples = 0;
  std::string detail;
};
struct JobEnded {
  std::string job;
  std::string detail;
};

enum class TaskKind : std::uint8_t { training, statistics };

// A sealed model version: hash and bytes of the plain weights, cipher and key of the seal
// (channel/sealed_blob.h).
struct ModelRef {
  Key hash{};
  std::uint64_t bytes = 0;
  std::uint8_t cipher = 0;
  Key key{};
};

struct Task {
  std::string job;
  std::int64_t task = 0;  // its number in the job; of a synchronous job: the round
  std::int64_t attempt = 0;
  TaskKind kind = TaskKind::training;
  std::int64_t base_version = 0;
  std::optional<ModelRef> model;          // absent for statistics
  std::vector<double> means, deviations;  // of the number columns; empty without scaling
  std::uint64_t update_bytes = 0;         // of the update that is expected
  double clipping_norm = 0;               // of this round, where it adapts; 0: the job's own
  // Of a job with privacy, earlier tasks whose update by this client is in a version: from 1,
  // ascending; of more than kPrivacyTasksMax the latest.
  std::vector<std::int64_t> privacy_tasks{};
};
struct TaskRefused {
  std::string job;
  std::int64_t task = 0;
  std::string detail;
  bool for_good = false;  // it would be the same if the task were given again
};
struct CancelTask {
  std::string job;
  std::int64_t task = 0;
  std::string detail;
};

// Asks for the sealed chunks of a model version from plain-text `offset` (a multiple of the chunk
// size) on.
struct Fetch {
  std::string job;
  std::int64_t version = 0;
  std::uint64_t offset = 0;
};

enum class Phase : std::uint8_t { downloading, training, uploading };
struct Progress {
  std::string job;
  std::int64_t task = 0;
  Phase phase = Phase::training;
  std::uint64_t done = 0, total = 0;
};

// `body` is the whole of what is offered when it has at most kInlineBytesMax bytes, else empty.
//
// What is offered is the update itself (attempt 0), or the masked input for that attempt at secure
// aggregation. In jobs with secure aggregation `model` is the hash of what the update began from,
// and `settings` that of the job's text, as terms name them (secagg/terms.h).
struct Offer {
  std::string job;
  std::int64_t task = 0;
  std::int64_t base_version = 0;
  std::int64_t examples = 0;
  std::uint64_t bytes = 0;
  Checksum checksum{};
  Metrics metrics;
  Bytes body;
  std::int64_t attempt = 0;
  std::optional<Key> model, settings;
};
// Chunks are to carry `upload` and to start at `offset`.
struct Admit {
  std::string job;
  std::int64_t task = 0;
  std::uint64_t upload = 0, offset = 0;
};

enum class Outcome : std::uint8_t { accepted, refused, discarded };
struct Receipt {
  std::string job;
  std::int64_t task = 0;
  Outcome outcome = Outcome::accepted;
  std::uint8_t reason = 0;  // round::Reason
  std::string detail;
};
// Not now (a full disk, a full staging area): offer the same update again after `after_s` seconds.
struct Retry {
  std::string job;
  std::int64_t task = 0;
  std::string detail;
  double after_s = 1;
};

// The last message of a session.
struct Bye {
  std::string detail;
  bool come_back = true;
};

// The site's own limits, as far as the server can plan with them. Said after Hello and whenever it
// changes; a client that never says it is always open. While it is not open the client takes no
// task and moves no bulk.
struct Availability {
  bool open = true;
  double change_s = 0;                            // until `open` changes; 0: never
  double upload_mbit_s = 0, download_mbit_s = 0;  // 0: no limit
  std::string detail;                             // its hours, for people
};

// To a client that could take part in a job and is not asked now: why, and when it may be asked at
// the latest. Nothing is to be done: its task will come by itself.
struct Standby {
  std::string job;
  std::string detail;
  double after_s = 0;  // 0: not known
};

// The server knows of the update that was offered: the client is to keep it, since it will be asked
// for later, and may offer another one meanwhile.
struct Await {
  std::string job;
  std::int64_t task = 0;
  std::int64_t attempt = 0;  // as in the offer
  std::string detail;
};

using Message = std::variant<Hello, Join, JobAnswer, TaskRefused, Fetch, Progress, Offer, Welcome,
                             Joined, JobOffer, JobEnded, Task, CancelTask, Admit, Receipt, Retry,
                             Bye, Availability, Standby, Await, SecureTerms, SecureKeys,
                             SecureRoster, SecureShares, SecureDelivery, SecureSurvivors,
                             SecureSignature, SecureSignatures, SecureReveal, SecureRefused,
                             SecureAbandoned, KeyHeld, DecryptSum, DecryptedSum, DecryptionRefused>;

// One FlatBuffer. Text longer than its limit is cut.
Bytes encode(const Message& message);

// Verifies (depth 8, a bounded number of tables) and checks one message. `bytes` need not be
// aligned. ErrorCode::malformed with the field's name.
Result<Message> decode(ByteView bytes);

// Name of the message's type, for logs.
const char* name(const Message& message);

}  // namespace fed::wire
