#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "team.h"

namespace sidenet::kernels::cpu {

/// First and behind the last.
using Range = std::pair<std::size_t, std::size_t>;

/// Part `index` of `parts` even ones of 0 … count.
inline Range share(std::size_t count, std::size_t index, std::size_t parts) {
  return {count * index / parts, count * (index + 1) / parts};
}

/// Calls body(begin, end) for contiguous ranges that cover 0 … count, one a thread, with at least
/// `grain` items each. One range is run in place, so that a caller may itself be one of several
/// threads. `body` must not throw.
template <class Body>
void for_each_range(std::size_t count, std::size_t grain, int threads, const Body& body) {
  const std::size_t worth = count / std::max<std::size_t>(grain, 1);
  const int used = static_cast<int>(
      std::min<std::size_t>(worth, static_cast<std::size_t>(std::max(threads, 1))));
  if (used <= 1) {
    if (count > 0) body(std::size_t{0}, count);
    return;
  }
  Team::share(used, [count, body](const TeamPlace& place) {
    const auto [begin, end] = share(count, place.index(), place.count());
    if (begin < end) body(begin, end);
  });
}

/// Elements below which another thread costs more than it saves (a parallel region takes some
/// microseconds).
inline constexpr std::size_t kElementGrain = 32 * 1024;

/// How many of the threads a product of so many multiply-adds is worth, at least one.
inline std::size_t threads_worth(std::size_t multiply_adds, int threads) {
  constexpr std::size_t kGrain = 64 * 1024;
  return std::min<std::size_t>(std::max(threads, 1),
                               std::max<std::size_t>(multiply_adds / kGrain, 1));
}

}  // namespace sidenet::kernels::cpu
