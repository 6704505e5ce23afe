// What the client's session asks its driver to do. Plain values.
#pragma once

#include <string>
#include <variant>

#include "base/clock.h"
#include "wire/messages.h"

namespace fed::session {

// Send on the present connection.
struct Send {
  wire::Message message;
};
// Check the job against the site's data; answer with Session::job_loaded.
struct LoadJob {
  std::string job, spec;
};
// Have the model in the cache; answer with model_partial, model_ready or model_failed.
struct ObtainModel {
  std::string job;
  std::int64_t version = 0;
  wire::ModelRef model;
};
// Do the task; answer with Session::trained or training_failed.
struct Train {
  wire::Task task;
};
struct CancelTraining {};
// Offer the update that lies in the outbox under (job, task), or its masked input for an attempt,
// with its body if that is small. Of an update that is only ever sent under a mask, just its being
// there.
struct SendOffer {
  std::string job;
  std::int64_t task = 0;
  std::int64_t attempt = 0;  // 0: the update itself
};
// Send chunks of that update from `offset` on, until it is whole or StopUpload.
struct StartUpload {
  std::string job;
  std::int64_t task = 0;
  std::int64_t attempt = 0;  // as it was offered
  std::uint64_t upload = 0, offset = 0;
};
struct StopUpload {};
// What the server was asked to send is not to arrive any more: only a new connection stops it.
struct StopDownload {};
// The server will not ask now, and says until when at the latest.
struct StandBy {
  wire::Standby standby;
};
// The server has answered for this update: it need not be kept.
struct DropUpdate {
  wire::Receipt receipt;
};
struct JobDone {
  std::string job, detail;
};
// The server closes the session.
struct Hangup {
  wire::Bye bye;
};

using Effect =
    std::variant<Send, LoadJob, ObtainModel, Train, CancelTraining, SendOffer, StartUpload,
                 StopUpload, StopDownload, StandBy, DropUpdate, JobDone, Hangup>;

}  // namespace fed::session
