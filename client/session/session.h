// The client's side of the protocol as a pure state machine: events and the time in, effects out.
//
// It outlives connections: jobs that were checked stay checked, training goes on while the link is
// down, and an update stays in the outbox until the server has said accepted, refused or discarded.
// What needs the server, a download or a task that has not begun, ends with the connection: the
// server repeats the tasks that still count. One task is worked on at a time, and one update is
// offered at a time, the next once the server has answered; others wait. Jobs take turns: after a
// task of one job comes a task of another if one waits, of the job that was served least. While the
// site rests (availability) nothing is trained, fetched or offered: tasks are given back, updates
// wait. An update that is only to be part of a sum under masks is offered without its bytes and
// waits for the server's word; its masked input is offered like any update, for one attempt. Not
// thread-safe: one owner, the client's event loop. Effects are carried out in order.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "session/effects.h"

namespace fed::session {

// An update in the outbox, by its task.
using UpdateKey = std::pair<std::string, std::int64_t>;  // job, task

class Session {
 public:
  using Effects = std::vector<Effect>;

  // `outbox`: what an earlier process left there, as the offers that were stored with it (bodies
  // not needed).
  Session(std::string software, std::vector<wire::Offer> outbox);

  // The link.
  Effects connected();
  Effects disconnected();
  Effects message(const wire::Message& message, Instant now);

  // The site's own limits, whenever the clock may have come to something new, and once after
  // connected(). The server is told what is news to it. A session that never hears of any is open.
  Effects availability(const wire::Availability& availability, Instant now);
  bool open() const { return open_; }

  // Answers to effects.
  Effects job_loaded(const std::string& job, Result<std::int64_t> examples);
  // `offset` plain bytes of the model are in the cache: fetch the rest.
  Effects model_partial(const std::string& job, std::int64_t version, std::uint64_t offset);
  Effects model_ready(const std::string& job, std::int64_t version);
  Effects model_failed(const std::string& job, std::int64_t version, const std::string& detail);
  Effects progress(const wire::Progress& progress);
  // The update is in the outbox, durably.
  Effects trained(const wire::Offer& offer);
  // `for_good`: it would be the same if the task were given again.
  Effects training_failed(const std::string& job, std::int64_t task, const std::string& detail,
                          bool for_good = false);
  // Secure aggregation: the input of an update in the outbox is ready under a mask (`offer.attempt`
  // says for which sum), or of no use any more.
  Effects masked(const wire::Offer& offer);
  Effects unmasked(const std::string& job, std::int64_t task);

  // Time: call tick at next_wakeup.
  std::optional<Instant> next_wakeup() const;
  Effects tick(Instant now);

  const std::string& name() const {
    return name_;
  }  // as the server knows this client; empty before the first Welcome
  // The offer of an update in the outbox, or null; valid until the next event.
  const wire::Offer* kept(const UpdateKey& key) const;
  // The same for its masked input.
  const wire::Offer* kept_masked(const UpdateKey& key) const;
  // No job is known that has not ended, as far as the server has said.
  bool jobless() const { return jobs_.empty(); }
  bool idle() const { return !active_ && waiting_.empty() && outbox_.empty(); }
  // What is being worked on, if anything is; valid until the next event.
  const wire::Task* active() const { return active_ ? &active_->task : nullptr; }

 private:
  struct Job {
    std::string spec;
    bool loading = true;
    std::optional<Result<std::int64_t>> examples;  // how many it can train on, or why it cannot
  };
  struct Active {
    wire::Task task;
    bool training = false;
    bool fetching = false;  // its model was asked for on this connection
    int downloads_failed = 0;
  };

  Effects on(const wire::Welcome& m, Instant now);
  Effects on(const wire::JobOffer& m, Instant now);
  Effects on(const wire::JobEnded& m, Instant now);
  Effects on(const wire::Task& m, Instant now);
  Effects on(const wire::CancelTask& m, Instant now);
  Effects on(const wire::Admit& m, Instant now);
  Effects on(const wire::Await& m, Instant now);
  Effects on(const wire::Receipt& m, Instant now);
  Effects on(const wire::Retry& m, Instant now);
  Effects on(const wire::Bye& m, Instant now);
  Effects on(const wire::Standby& m, Instant now);
  template <class Other>
  Effects on(const Other&, Instant) {
    return {};  // a client's own message, echoed: nothing to do
  }

  Effects answer(const std::string& job) const;
  Effects offer_next();
  Effects offer(const UpdateKey& key, std::int64_t attempt);
  Effects withdraw(const UpdateKey& key);
  Effects begin_next();
  std::deque<wire::Task>::iterator fairest();
  std::int64_t least_served() const;
  Effects rest();
  Effects send_given_back();
  Effects drop_job(const std::string& job);
  Effects drop_task(const std::string& job, std::int64_t task);
  Effects refuse_task(const std::string& job, std::int64_t task, const std::string& detail,
                      bool for_good = false);
  bool is_active(const std::string& job, std::int64_t version) const;

  std::string software_;
  std::string name_;
  bool online_ = false;
  std::map<std::string, Job> jobs_;
  std::optional<Active> active_;
  std::deque<wire::Task> waiting_;
  std::map<std::string, std::int64_t> served_;  // tasks begun, of the jobs that had any
  bool open_ = true;
  std::string hours_;                          // for people
  std::optional<wire::Availability> told_;     // to the server, on this connection
  Instant told_change_at_{};                   // what its change_s came to
  std::vector<wire::TaskRefused> given_back_;  // to be said on the next connection
  std::set<std::string> known_;  // jobs that were offered, or whose updates lay in the outbox
  std::map<UpdateKey, wire::Offer> outbox_;
  std::map<UpdateKey, wire::Offer> masked_;  // inputs that are wanted under a mask
  std::set<UpdateKey> awaited_;  // the server knows of them, on this connection, and will ask
  struct Offered {
    UpdateKey key;
    std::int64_t attempt = 0;
  };
  std::optional<Offered> offered_;        // on this connection, and not answered for yet
  bool uploading_ = false;                // that one
  bool welcomed_ = false;                 // on this connection
  std::map<UpdateKey, Instant> retries_;  // not to be offered before
};

}  // namespace fed::session
