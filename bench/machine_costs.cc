// What this machine's threads cost and get, as JSON, for the model of scaling.py: machine_costs
// THREADS
//
// For 1 … THREADS threads, doubled each time: "fork_join_us", one parallel region of OpenMP with
// nothing to do, regions one behind the other (median); "team_us", the same for work that a Team
// shares, as between the kernels of one row; "read_gb_s", memory read by all threads together, each
// its own part of 256 MiB (best of 9); "peak_gflops", float32 multiply-adds.
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "quantile.h"
#include "sidenet/machine.h"
#include "team.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr int kRegions = 200, kRepeats = 101;

double fork_join_microseconds(int threads) {
  std::vector<double> microseconds;
  std::atomic<int> team{0};  // or the regions are empty and may be left out
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const auto start = Clock::now();
    for (int i = 0; i < kRegions; ++i) {
#pragma omp parallel num_threads(threads)
      if (omp_get_thread_num() == 0) team.store(omp_get_num_threads(), std::memory_order_relaxed);
    }
    microseconds.push_back(1e6 * seconds_since(start) / kRegions);
  }
  return sidenet::bench::quantile(microseconds, 0.5);
}

double team_microseconds(int threads) {
  std::vector<double> microseconds;
  std::atomic<std::size_t> members{0};
  sidenet::Team team(threads);
  team.lead([&] {
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      const auto start = Clock::now();
      for (int i = 0; i < kRegions; ++i) {
        sidenet::Team::share(threads, [&members](const sidenet::TeamPlace& place) {
          if (place.index() == 0) members.store(place.count(), std::memory_order_relaxed);
        });
      }
      microseconds.push_back(1e6 * seconds_since(start) / kRegions);
    }
  });
  return sidenet::bench::quantile(microseconds, 0.5);
}

double read_gigabytes_per_second(const std::vector<std::int64_t>& memory, int threads) {
  double best = 0;
  std::int64_t total = 0;
  for (int repeat = 0; repeat < 9; ++repeat) {
    const auto start = Clock::now();
    const auto size = static_cast<std::int64_t>(memory.size());
#pragma omp parallel for num_threads(threads) reduction(+ : total) schedule(static)
    for (std::int64_t i = 0; i < size; ++i) total += memory[static_cast<std::size_t>(i)];
    best = std::max(best,
                    static_cast<double>(size) * sizeof(std::int64_t) / seconds_since(start) / 1e9);
  }
  return total > 0 ? best : 0;  // the sums must be computed
}

}  // namespace

int main(int argc, char** argv) {
  const int most = argc == 2 ? std::atoi(argv[1]) : 0;
  if (most < 1) {
    std::fprintf(stderr, "usage: %s THREADS\n", argv[0]);
    return 2;
  }
  try {
    const std::vector<std::int64_t> memory(std::size_t{32} << 20, 1);
    nlohmann::json all = nlohmann::json::array();
    for (int threads = 1;; threads = std::min(2 * threads, most)) {
      all.push_back({{"threads", threads},
                     {"fork_join_us", fork_join_microseconds(threads)},
                     {"team_us", team_microseconds(threads)},
                     {"read_gb_s", read_gigabytes_per_second(memory, threads)},
                     {"peak_gflops", sidenet::measure_peak_gflops(threads)}});
      if (threads == most) break;
    }
    std::cout << all << std::endl;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
