#pragma once

#include <omp.h>

#include <algorithm>
#include <cstddef>

namespace sidenet::kernels::cpu {

/// Calls body(begin, end) for contiguous ranges that cover 0 … count, one a thread, with at least `grain` items each. One
/// range is run in place, without a parallel region, so that a caller may itself be inside one. `body` must not throw.
template <class Body>
void for_each_range(std::size_t count, std::size_t grain, int threads, const Body& body) {
  const std::size_t worth = count / std::max<std::size_t>(grain, 1);
  const int used = static_cast<int>(std::min<std::size_t>(worth, static_cast<std::size_t>(std::max(threads, 1))));
  if (used <= 1) {
    if (count > 0) body(std::size_t{0}, count);
    return;
  }
#pragma omp parallel num_threads(used)
  {
    const std::size_t index = omp_get_thread_num(), team = omp_get_num_threads();
    const std::size_t begin = count * index / team, end = count * (index + 1) / team;
    if (begin < end) body(begin, end);
  }
}

/// Elements below which another thread costs more than it saves (a parallel region takes some microseconds).
inline constexpr std::size_t kElementGrain = 32 * 1024;

/// How many of the threads a product of so many multiply-adds is worth, at least one.
inline std::size_t threads_worth(std::size_t multiply_adds, int threads) {
  constexpr std::size_t kGrain = 64 * 1024;
  return std::min<std::size_t>(std::max(threads, 1), std::max<std::size_t>(multiply_adds / kGrain, 1));
}

}  // namespace sidenet::kernels::cpu
