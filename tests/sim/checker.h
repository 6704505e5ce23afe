// What must hold in every world, each rule a checker of its own.
//
// A checker looks on; it changes nothing in the world, and reads a disk only at the end, when no
// fault can strike. Its sentence says what is wrong; an empty one means that all is well. One
// object a seed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "world.h"

namespace fed::sim {

class Checker {
 public:
  virtual ~Checker() = default;
  virtual const char* name() const = 0;
  virtual std::string after_step(World&) { return {}; }
  // When everything is quiet, and the server is up.
  virtual std::string at_end(World&) { return {}; }
};

// Versions count commits: they grow by one, and never go back, not over any crash either.
std::unique_ptr<Checker> check_versions();
// Every committed model is what an independent computation (reference.h) makes of the accepted
// updates; no client is counted twice for a task, none without having trained it.
std::unique_ptr<Checker> check_models();
// Bytes under way, waiting and staged are within their limits, and so is the age of a model's
// versions that are held. Of the limits so much is allowed; less shows that what is looked at is
// there.
struct LimitShares {
  double window = 1, client_link = 1, server_link = 1, versions = 1;
};
std::unique_ptr<Checker> check_limits(const LimitShares& shares = {});
// Whoever has been revoked has no session.
std::unique_ptr<Checker> check_revoked();
// An order that was confirmed to the operator holds, over any crash.
std::unique_ptr<Checker> check_orders();
// A site that rests, by its own word or for longer than a minute by its hours and its clock, has no
// task at work, and none trains a job that it declines.
std::unique_ptr<Checker> check_sites();
// Every update that was offered was accepted, refused or discarded in the end; what was accepted is
// on record as such, and who was not accepted was told why.
std::unique_ptr<Checker> check_answers();
// In secure sums nobody is told two things, and no client answers twice; only those sums are opened
// that a version is made of, over the very clients that are counted; and no update of a single
// client is on the server's disk.
std::unique_ptr<Checker> check_sums();
// Once the faults have stopped, every job goes on within a time that follows from its file.
std::unique_ptr<Checker> check_progress();

std::vector<std::unique_ptr<Checker>> all_checkers();

}  // namespace fed::sim
