#pragma once

#include <atomic>
#include <cstdint>

#include "run_request.h"

namespace sidenet {

/// How many rows move together at most, and of texts how many tokens.
struct MicroBatch {
  int rows = 1;
  int tokens = 0;  ///< 0: of images
  /// Of whichever kind bounds it.
  int entries() const { return tokens > 0 ? tokens : rows; }
};

/// Rows first … end - 1 of a request, which threads take from, a micro-batch each time.
class RowSource {
 public:
  RowSource(const RunInputs& inputs, const MicroBatch& most, int first, int end, int threads);
  bool has_more() const { return next_.load(std::memory_order_relaxed) < end_; }
  /// Rows first … last - 1, or false. Smaller bites towards the end, so that all threads finish
  /// together; of texts larger ones, since each reads all weights (3 % of MainNet's time on SST-2,
  /// 32 at a time).
  bool take(int& first, int& last);

 private:
  int bite_end(int first) const;
  std::int64_t work_left(int first) const;

  const RunInputs& inputs_;
  const MicroBatch most_;
  std::atomic<int> next_;
  const int end_, shares_;
};

}  // namespace sidenet
