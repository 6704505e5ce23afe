// What goes wrong in a world beside the fate of its cables: machines that die, networks that
// partition or clog, clocks that jump, disks that fail, operators who change their minds.
//
// Everything is drawn from the scenario's seed and comes from the world's queue. Not thread-safe.
#pragma once

#include "world.h"

namespace fed::sim {

class Chaos {
 public:
  // Begins at once; ends with the scenario's chaos, or when it is destroyed.
  explicit Chaos(World& world);
  ~Chaos();

 private:
  using Fault = void (Chaos::*)();
  // Strikes again and again, with exponential pauses of this mean.
  void strike(Fault fault, double mean_s);
  void next(Fault fault, double mean_s);
  double exponential(double mean);
  std::size_t some_client() { return random_.below(world_.clients()); }
  void later(double seconds_from_now, Work work);

  void partition();
  void clog();
  void crash_client();
  void crash_server();
  void cut_all();
  void jump_clock();
  void order();
  void fail_disk();
  void arm_crash();
  void revoke();
  void revoke_in_an_upload(int looks);
  bool is_uploading(std::size_t client);
  void drain_server();
  void heard_in_sum(std::size_t client, const wire::Message& message, bool incoming);
  void drop_out(std::size_t client);
  void fail_at_the_end_of_a_sum();
  void calm();

  World& world_;
  Random random_;
};

}  // namespace fed::sim
