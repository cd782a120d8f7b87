#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>

#include "sidenet/error.h"

namespace sidenet {

/// a * b and a + b of sizes that came from a file. Throws Error, naming `what`, where the result
/// does not fit.
inline std::uint64_t checked_mul(std::uint64_t a, std::uint64_t b, const char* what) {
  std::uint64_t result;
  if (__builtin_mul_overflow(a, b, &result)) {
    throw Error(std::string(what) + ": expected a size below 2^64, got " + std::to_string(a) +
                " x " + std::to_string(b));
  }
  return result;
}
inline std::uint64_t checked_add(std::uint64_t a, std::uint64_t b, const char* what) {
  std::uint64_t result;
  if (__builtin_add_overflow(a, b, &result)) {
    throw Error(std::string(what) + ": expected a size below 2^64, got " + std::to_string(a) +
                " + " + std::to_string(b));
  }
  return result;
}

/// A count that kernels take as an int. Throws Error, naming `what`, where it is none.
template <std::integral Count>
int checked_int(Count count, const char* what) {
  if (!(count >= 0) || static_cast<std::uint64_t>(count) >
                           static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
    throw Error(std::string(what) + ": expected a count from 0 to 2^31 - 1, got " +
                std::to_string(count));
  }
  return static_cast<int>(count);
}

/// Rows that a Session takes at once.
constexpr std::int64_t kMostRowsAtOnce = 1 << 24;

/// Throws Error, naming `what`, where that many rows cannot be taken at once.
inline void check_batch(std::int64_t rows, const char* what) {
  if (rows >= 1 && rows <= kMostRowsAtOnce) return;
  throw Error(std::string(what) + ": batch: expected 1 to " + std::to_string(kMostRowsAtOnce) +
              " rows, got " + std::to_string(rows));
}

/// a * b and a + b of counts of multiply-adds, 0 or more, which only people read: the largest
/// number where they do not fit.
inline std::int64_t saturating_mul(std::int64_t a, std::int64_t b) {
  std::int64_t result;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<std::int64_t>::max() : result;
}
inline std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
  std::int64_t result;
  return __builtin_add_overflow(a, b, &result) ? std::numeric_limits<std::int64_t>::max() : result;
}

}  // namespace sidenet
