#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "team.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <array>
#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "parallel_ranges.h"

using sidenet::Team;
using sidenet::TeamPlace;

namespace {

// How often each of `count` items was worked on.
std::vector<int> visits(std::size_t count, int threads) {
  std::vector<int> seen(count, 0);
  sidenet::kernels::cpu::for_each_range(count, 1, threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) ++seen[i];
  });
  return seen;
}

// Each thread adds up what all have written before the barrier, several times over.
bool barriers_hold(int threads, int meetings) {
  std::vector<int> values(16, 0), sums(16, -1);
  std::atomic<int> count{0};
  Team::share(threads, [&](const TeamPlace& place) {
    count = static_cast<int>(place.count());
    for (int meeting = 1; meeting <= meetings; ++meeting) {
      values[place.index()] = meeting;
      place.barrier();
      sums[place.index()] = std::accumulate(values.begin(), values.end(), 0);
      place.barrier();
      if (sums[place.index()] != meeting * static_cast<int>(place.count()))
        sums[place.index()] = -1000;
    }
  });
  for (int i = 0; i < count; ++i) {
    if (sums[static_cast<std::size_t>(i)] != meetings * count) return false;
  }
  return count > 0;
}

}  // namespace

TEST_CASE("a team works on every item once, with any number of threads") {
  for (const int size : {1, 2, 3, 5}) {
    Team team(size);
    for (int again = 0; again < 3; ++again) {
      team.lead([&] {
        for (const int threads : {1, 2, 3, 8, 5, 2}) {
          for (const std::size_t count :
               {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{97}}) {
            CHECK(visits(count, threads) == std::vector<int>(count, 1));
          }
        }
      });
      CHECK(visits(97, size) == std::vector<int>(97, 1));  // OpenMP's threads again
    }
  }
}

TEST_CASE("as many threads take part as are wanted, or as there are") {
  Team team(3);
  team.lead([] {
    for (const int threads : {1, 2, 3, 4}) {
      std::array<std::atomic<int>, 4> seen{};
      std::atomic<int> count{0};
      Team::share(threads, [&](const TeamPlace& place) {
        ++seen[place.index()];
        count = static_cast<int>(place.count());
      });
      const int expected = std::min(threads, 3);
      CHECK(count == expected);
      for (int i = 0; i < 4; ++i)
        CHECK(seen[static_cast<std::size_t>(i)] == (i < expected ? 1 : 0));
    }
  });
}

TEST_CASE("bodies that are copied and bodies that are not") {
  Team team(2);
  team.lead([] {
    for (int repeat = 0; repeat < 500; ++repeat) {
      std::array<int, 2> small{}, large{};
      Team::share(
          2, [to = small.data(), repeat](const TeamPlace& place) { to[place.index()] = repeat; });
      const std::array<int, 64> padding{repeat};
      Team::share(2, [to = large.data(), padding](const TeamPlace& place) {
        to[place.index()] = padding[0];
      });
      REQUIRE(small == std::array<int, 2>{repeat, repeat});
      REQUIRE(large == small);
    }
  });
}

TEST_CASE("barriers of a team, of OpenMP, of some of a team, of one thread") {
  for (const int threads : {1, 2, 3, 4}) CHECK(barriers_hold(threads, 20));
  Team team(4);
  team.lead([] {
    for (int repeat = 0; repeat < 20; ++repeat) {
      for (const int threads : {4, 2, 3, 1, 4}) CHECK(barriers_hold(threads, 1 + repeat));
    }
  });
}

TEST_CASE("work that shares work does it alone, and what a leader throws comes out") {
  Team team(2);
  std::array<std::size_t, 2> inner{};
  team.lead([&] {
    Team::share(2, [&](const TeamPlace& place) {
      Team::share(2, [&](const TeamPlace& nested) { inner[place.index()] += nested.count(); });
    });
  });
  CHECK(inner == std::array<std::size_t, 2>{1, 1});
  CHECK_THROWS_WITH_AS(team.lead([] { throw std::runtime_error("stop"); }), "stop",
                       std::runtime_error);
  team.lead([] { CHECK(visits(10, 2) == std::vector<int>(10, 1)); });
}

TEST_CASE("teams of several threads lead at the same time") {
  std::array<bool, 3> right{};
  std::vector<std::thread> leaders;
  for (bool& result : right) {
    leaders.emplace_back([&result] {
      Team team(2);
      result = true;
      for (int repeat = 0; repeat < 20; ++repeat) {
        team.lead([&] {
          for (int piece = 0; piece < 20; ++piece)
            result = result && visits(31, 2) == std::vector<int>(31, 1);
        });
      }
    });
  }
  for (std::thread& leader : leaders) leader.join();
  CHECK(right == std::array<bool, 3>{true, true, true});
}

TEST_CASE("inside a parallel region of the caller's a team has one thread") {
  std::array<std::size_t, 2> counts{};
#pragma omp parallel num_threads(2)
  {
    Team team(2);
    const int here = omp_get_thread_num();
    team.lead([&] {
      Team::share(2, [&](const TeamPlace& place) {
        counts[static_cast<std::size_t>(here)] = place.count();
      });
    });
  }
  CHECK(counts == std::array<std::size_t, 2>{1, 1});
}

TEST_CASE("threads that work apart help the last one") {
  for (const int threads : {1, 2, 3}) {
    Team team(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::vector<int> seen(97, 0);
      int leaders = 0;
      team.start_apart();
#pragma omp parallel num_threads(threads)
      {
        // The first thread waits until it is the last; the others may or may not be so for a while.
        if (omp_get_thread_num() == 0) {
          while (!team.is_last()) std::this_thread::yield();
          team.take_lead();
          ++leaders;
          for (int piece = 0; piece < 5; ++piece) {
            sidenet::kernels::cpu::for_each_range(seen.size(), 1, threads,
                                                  [&](std::size_t begin, std::size_t end) {
                                                    for (std::size_t i = begin; i < end; ++i)
                                                      ++seen[i];
                                                  });
          }
        }
        team.finish();
      }
      CHECK(leaders == 1);
      CHECK(seen == std::vector<int>(97, 5));
      CHECK(visits(31, threads) == std::vector<int>(31, 1));  // nobody leads any more
    }
    // Nobody takes the lead; then a team that is led as ever.
    team.start_apart();
#pragma omp parallel num_threads(threads)
    team.finish();
    team.lead([&] { CHECK(visits(97, threads) == std::vector<int>(97, 1)); });
  }
}
