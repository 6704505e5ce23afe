// What this machine can do, measured now: the limits that figures are compared with.
//
// CPU seconds are of one thread. Each is measured when it is first asked for, and kept: machines
// change their speed from minute to minute, so a workload that compares closely asks for a fresh
// set before it. Used from one thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "report.h"

namespace fed::bench {

class MachineLimits {
 public:
  // `effort` scales how long each measurement takes; 1 is about a quarter of a second.
  explicit MachineLimits(double effort) : effort_(effort) {}

  // CPU seconds per byte of the record layer's cipher, AES-256-GCM through crypto/aead.h, on
  // records of the size that updates travel in.
  double open_record();
  double seal_record();
  double open_blob();    // the chunks of a sealed model
  double hash();         // SHA-256
  double memcpy();       // of blocks far larger than any cache
  double read_memory();  // reading floats from memory, once
  // Loopback TCP, one stream: wall seconds per byte, and CPU seconds per byte of both ends.
  double tcp_wall();
  double tcp_cpu();
  double tcp_round_trip();  // seconds, of one byte each way
  double x25519();          // seconds, one Diffie-Hellman
  // Seconds per byte of a file that is written and synced in `folder`.
  double disk(const std::string& folder);

  // Measures anew from now on.
  void forget() { known_.clear(); }
  Json to_json() const;

 private:
  template <class Measure>
  double once(const char* name, Measure measure);
  void measure_tcp();

  const double effort_;
  std::map<std::string, double> known_;
};

// GFLOP/s of OpenBLAS's sgemm on one thread, for c [m × n] = a [m × k] · b [k × n], operands
// transposed as named.
struct Product {
  bool transpose_a = false, transpose_b = false;
  int m = 0, n = 0, k = 0;
};
double sgemm_seconds(const Product& product, double effort);

}  // namespace fed::bench
