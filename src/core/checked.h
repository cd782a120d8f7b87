#pragma once

#include <cstdint>
#include <string>

#include "sidenet/error.h"

namespace sidenet {

/// a * b and a + b of sizes that came from a file. Throws Error, naming `what`, where the result does not fit.
inline std::uint64_t checked_mul(std::uint64_t a, std::uint64_t b, const char* what) {
  std::uint64_t result;
  if (__builtin_mul_overflow(a, b, &result)) {
    throw Error(std::string(what) + ": expected a size below 2^64, got " + std::to_string(a) + " x " + std::to_string(b));
  }
  return result;
}
inline std::uint64_t checked_add(std::uint64_t a, std::uint64_t b, const char* what) {
  std::uint64_t result;
  if (__builtin_add_overflow(a, b, &result)) {
    throw Error(std::string(what) + ": expected a size below 2^64, got " + std::to_string(a) + " + " + std::to_string(b));
  }
  return result;
}

}  // namespace sidenet
