#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph.h"

namespace sidenet {

/// Where a value lies in the activation arena. Extents are for one row: for a micro-batch of B rows every offset and size
/// is multiplied by B, and the value's rows lie one after the other.
struct Slot {
  std::size_t offset = 0;  ///< floats
  std::size_t size = 0;    ///< floats of one row of the value
};

/// One node, ready to run.
struct Step {
  std::string name, kind;
  Shape shape;  ///< output of one row
  std::shared_ptr<const Executable> executable;
  std::vector<Slot> inputs;
  Slot output;
  int copy_from = -1;              ///< input copied to the output first (a residual that is still needed elsewhere)
  int exit = -1;                   ///< index into Plan::exits
  std::vector<Slot> live;          ///< values needed after it: what a compaction at this exit moves
  std::int64_t multiply_adds = 0;  ///< for one row
  std::int64_t parameters = 0;
};

struct PlanExit {
  std::string name;
  int width = 0;  ///< logits of a row
  std::size_t step = 0;
  std::int64_t multiply_adds_before = 0;  ///< of MainNet, for one row, up to here
};

/// A graph made ready for one input shape and number of threads: order, kernels with their reordered weights, and one
/// arena planned from the values' lifetimes. Immutable, so that Sessions share it.
class Plan {
 public:
  /// `graph` is fused already; its exit named "final" ends it. Exits run right behind their taps. Throws Error where an
  /// exit reads what only comes after "final".
  Plan(const Graph& graph, int threads);

  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<PlanExit>& exits() const { return exits_; }  ///< in the order of the steps; the last is "final"
  const Shape& input_shape() const { return input_shape_; }
  const Slot& input() const { return input_; }
  std::size_t arena_floats() const { return arena_floats_; }  ///< for one row
  std::size_t scratch_bytes() const { return scratch_bytes_; }
  std::size_t weight_bytes() const;
  std::int64_t mainnet_multiply_adds() const { return mainnet_multiply_adds_; }
  int threads() const { return threads_; }
  /// Rows that move together, where the caller does not say.
  int micro_batch() const { return micro_batch_; }

 private:
  std::vector<Step> steps_;
  std::vector<PlanExit> exits_;
  Shape input_shape_;
  Slot input_;
  std::size_t arena_floats_ = 0, scratch_bytes_ = 0;
  std::int64_t mainnet_multiply_adds_ = 0;
  int threads_ = 1, micro_batch_ = 1;
};

}  // namespace sidenet
