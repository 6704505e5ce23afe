// The words that every file of the round engine shares: ids, kinds, states.
//
// Plain values. The enums are closed; a switch over one has no default.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace fed::round {

// A client's id in the registry. The engine orders clients by it, so that nothing depends on who
// was first.
using ClientId = std::int64_t;

// The order is wire::TaskKind's.
enum class TaskKind : std::uint8_t { training, statistics };

// Where the round stands. See the diagram in README.md.
enum class Phase : std::uint8_t {
  idle,  // no round at work: the job is not running, or nothing has been said to the engine yet
  selecting,   // waiting for enough clients
  collecting,  // tasks are out, contributions come in
  securing,    // those that are ready are summed up under masks: the app runs the protocol
  closing,     // the contributions are fixed, the app aggregates them
  committing,  // the app makes the next version durable
  abandoned,   // the attempt failed; what was accepted is kept, the next attempt begins after a
               // pause
};

enum class JobState : std::uint8_t {
  running,
  paused,    // no new tasks and no new rounds; the deadline's clock stands still; uploads are still
             // accepted
  draining,  // the round at work is the last one until it is to go on
  finished,  // a stopping rule was met
  cancelled,  // by the operator
};

// How far a member of the cohort has come with its task.
enum class Status : std::uint8_t {
  not_asked,  // not told yet: not connected since the round began, or the job is paused
  asked,      // told, nothing heard yet
  downloading,
  training,
  uploading,
  ready,     // its update is done and stays with it until it is summed up under masks
  storing,   // uploaded and found good; the app writes it down (between Record and Recorded)
  accepted,  // counted, durable
  refused,   // its update was refused for good in this round
  failed,    // it said that it cannot do the task
  removed,   // revoked by the operator
};

// What a client says that it is doing. The order is wire::Phase's.
enum class Work : std::uint8_t { downloading, training, uploading };

// What becomes of an update in the end. The order is wire::Outcome's.
enum class Outcome : std::uint8_t { accepted, refused, discarded };

const char* name(TaskKind kind);
const char* name(Phase phase);
const char* name(JobState state);
const char* name(Status status);
const char* name(Outcome outcome);

// True while a contribution of this member may still come.
bool outstanding(Status status);

}  // namespace fed::round
