#include "round/reason.h"

#include "base/error.h"

namespace fed::round {

namespace {

struct Entry {
  Reason reason;
  const char* name;
  const char* sentence;
};

constexpr Entry kEntries[] = {
    {Reason::none, "none", "Nothing is wrong; nothing needs to be done."},
    {Reason::not_in_cohort, "not_in_cohort",
     "This client was not chosen for this round; wait for a task."},
    {Reason::unknown_round, "unknown_round",
     "The server has not begun this round; wait for a task and answer that one."},
    {Reason::wrong_base_version, "wrong_base_version",
     "The update was computed from another model version; train on the version that the task "
     "names."},
    {Reason::wrong_size, "wrong_size",
     "The update has not the number of bytes that the task names; use a client built for this "
     "job's model."},
    {Reason::examples_out_of_range, "examples_out_of_range",
     "The number of examples is below 1 or above what the client declared; check the data of this "
     "site."},
    {Reason::duplicate, "duplicate",
     "Another update of this client is already counted in this round; drop this one."},
    {Reason::wrong_shape, "wrong_shape",
     "The update has not as many coordinates as the model; use a client built for this job's "
     "model."},
    {Reason::not_finite, "not_finite",
     "The update contains NaN or infinity; lower the learning rate or check the data of this "
     "site."},
    {Reason::over_limit, "over_limit",
     "A coordinate of the update is larger than the job's update_limit; lower the learning rate, "
     "scale the "
     "inputs, or raise the limit in the job."},
    {Reason::task_failed, "task_failed",
     "The client could not do the task of this round; see the client's log."},
    {Reason::removed, "removed",
     "The operator revoked this client; ask the operator for a new join code."},
    {Reason::over_norm, "over_norm",
     "The update is longer than the job's privacy.clipping_norm; use a client that clips, of this "
     "version or newer."},
    {Reason::round_closed, "round_closed",
     "The round is closed; drop the update and wait for the next task."},
    {Reason::job_ended, "job_ended", "The job has ended; drop the update."},
    {Reason::task_over, "task_over",
     "The task is over, since it took too long or was given back; drop the update and wait for the "
     "next task."},
    {Reason::too_stale, "too_stale",
     "The model has moved on by more versions than the job's staleness.max; drop the update and "
     "wait for the next task."},
    {Reason::left_over, "left_over",
     "Too few others began from the same version for a secure sum; drop the update and wait for "
     "the next task."},
    {Reason::attempt_abandoned, "attempt_abandoned",
     "The round is not collecting at the moment; keep the update and offer it again when the round "
     "is asked "
     "again."},
    {Reason::not_offered, "not_offered",
     "The server does not expect these bytes; offer the update again."},
    {Reason::checksum_mismatch, "checksum_mismatch",
     "The bytes received are not those that were offered; offer the update again."},
    {Reason::being_stored, "being_stored",
     "The update is being written to disk; its receipt follows, else offer it again."},
    {Reason::storage_failed, "storage_failed",
     "The server could not write to its disk; free space in its state folder. Nothing is lost, and "
     "it tries "
     "again by itself."},
    {Reason::deadline_passed, "deadline_passed",
     "Too few updates came before the deadline; see which clients are slow or gone, or raise "
     "rounds.seconds.max."},
    {Reason::too_few_clients, "too_few_clients",
     "Too few clients are left that can still contribute; see why the others were refused, failed "
     "or removed."},
    {Reason::not_secured, "not_secured",
     "The updates could not be summed up under masks; see which clients fell silent or refused."},
    {Reason::round_limit, "round_limit",
     "The job has committed as many versions as rounds.max; export the model."},
    {Reason::target_reached, "target_reached",
     "The evaluation metric has reached its target; export the model."},
    {Reason::patience_exhausted, "patience_exhausted",
     "The evaluation metric has not become better for as many evaluations as evaluation.patience; "
     "export the "
     "best model."},
    {Reason::commit_failed, "commit_failed",
     "The next version could not be made; put right what the detail names, then resume the job. "
     "Nothing is lost."},
    {Reason::by_operator, "by_operator", "The operator asked for it."},
    {Reason::budget_spent, "budget_spent",
     "Another version would cost more privacy than the job's epsilon_max; export the model."},
    {Reason::revealed, "revealed",
     "Too few clients are left for this round: those of a sum that failed when it was revealed "
     "have nothing else to send. Resume the job once other clients have joined, or cancel it."},
    {Reason::not_chosen, "not_chosen",
     "This client is not asked at the moment; a task comes by itself."},
};

const Entry& entry(Reason reason) {
  for (const Entry& e : kEntries) {
    if (e.reason == reason) return e;
  }
  FED_CHECK(false);
}

}  // namespace

const char* name(Reason reason) { return entry(reason).name; }
const char* sentence(Reason reason) { return entry(reason).sentence; }

bool may_retry(Reason reason) {
  return reason >= Reason::attempt_abandoned && reason <= Reason::storage_failed;
}

bool too_late(Reason reason) {
  return reason >= Reason::round_closed && reason <= Reason::left_over;
}

}  // namespace fed::round
