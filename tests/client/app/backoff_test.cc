#include "app/backoff.h"

#include <catch2/catch.hpp>

using namespace fed;
using fed::app::Backoff;

TEST_CASE("pauses double up to the longest, each between half and the whole") {
  Backoff backoff(5, 1);
  double whole = 0.2;
  for (int i = 0; i < 12; ++i) {
    const double pause = seconds(backoff.next());
    CHECK(pause >= whole / 2);
    CHECK(pause <= whole);
    whole = std::min(whole * 2, 5.0);
  }
}

TEST_CASE("a success makes them short again") {
  Backoff backoff(60, 1);
  for (int i = 0; i < 20; ++i) backoff.next();
  CHECK(seconds(backoff.next()) >= 30);
  backoff.reset();
  CHECK(seconds(backoff.next()) <= 0.2);
}

TEST_CASE("two clients do not come back together") {
  Backoff one(60, 1), other(60, 2);
  int alike = 0;
  for (int i = 0; i < 10; ++i) alike += one.next() == other.next() ? 1 : 0;
  CHECK(alike == 0);
}

TEST_CASE("a longest pause below the first one holds from the start, and for ever") {
  Backoff backoff(0.05, 1);
  for (int i = 0; i < 5000; ++i) CHECK(seconds(backoff.next()) <= 0.05);
}
