#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "thread_choice.h"

#include <doctest/doctest.h>

using sidenet::ThreadChoice;

namespace {

// Runs `count` times; all threads take `all` seconds and one takes `one`. Returns how many runs
// were by all.
int run(ThreadChoice& choice, int count, double all, double one) {
  int by_all = 0;
  for (int i = 0; i < count; ++i) {
    by_all += choice.all() ? 1 : 0;
    choice.record((choice.all() ? all : one) * (i % 2 == 0 ? 1.0 : 1.1), 1.0, 0);
  }
  return by_all;
}

}  // namespace

TEST_CASE("on a machine of its own, one thread is hardly ever tried") {
  ThreadChoice choice;
  CHECK(run(choice, 1000, 1.0, 1.6) == 991);   // three at the 8th, the 64th and the 512th
  CHECK(run(choice, 1000, 1.7, 1.9) == 1000);  // slower, as machines are now and then
}

TEST_CASE("a machine that is busy from the start") {
  ThreadChoice choice;
  CHECK(run(choice, 500, 12.0, 2.0) <= 25);
}

TEST_CASE(
    "where threads wait for each other, one takes over, and all come back when they are quick "
    "again") {
  ThreadChoice choice;
  run(choice, 100, 1.0, 1.6);
  const int slow = run(choice, 1000, 12.0, 2.0);
  CHECK(slow >= 3);   // the first ones
  CHECK(slow <= 25);  // and a try now and then
  run(choice, 1100, 1.0, 1.6);
  CHECK(run(choice, 100, 1.0, 1.6) == 100);
}

TEST_CASE("where one is no better, all stay, and tries are few") {
  ThreadChoice choice;
  run(choice, 100, 1.0, 1.6);
  CHECK(run(choice, 1000, 5.0, 9.0) >= 920);
}

TEST_CASE("rows of different sizes and kinds are no alarm") {
  ThreadChoice choice;
  int by_all = 0;
  for (int i = 0; i < 500; ++i) {
    by_all += choice.all() ? 1 : 0;
    const double work = i % 7 + 1;
    const std::size_t kind =
        i % 11 == 0 ? 2 : 5;  // that leaves late, and those that leave early: more time by work
    choice.record((choice.all() ? 0.001 : 0.0016) * work * (kind == 5 ? 4 : 1), work, kind);
  }
  CHECK(by_all == 494);  // two trials of three
}
