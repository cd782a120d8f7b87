#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph.h"
#include "weight_cache.h"

namespace sidenet {

/// Where a value lies in the activation arena. Extents are for one entry (a row, or a token): for a
/// micro-batch with room for E entries every offset is multiplied by E, and the value's entries lie
/// one after the other.
struct Slot {
  std::size_t offset = 0;  ///< floats
  std::size_t size = 0;    ///< floats of one entry of the value
  bool per_token = false;
};

/// One node and the places of its values.
struct Step {
  std::string name, kind;
  Shape shape;  ///< output of one row
  std::vector<Slot> inputs;
  Slot output;
  /// Input copied to the output first (a residual that is still needed elsewhere).
  int copy_from = -1;
  int exit = -1;  ///< index into Plan::exits
  /// Steps that are prepared together: those between two exits, or an exit alone.
  std::size_t part = 0;
  bool starts_part = false;
  std::vector<Slot> live;  ///< values needed after it: what a compaction at this exit moves
  Cost cost;
  std::int64_t parameters = 0;
};

struct PlanExit {
  std::string name;
  int width = 0;  ///< logits of a row
  std::size_t step = 0;
  std::int64_t parameters_behind = 0;  ///< of MainNet, up to the next exit
};

/// A graph made ready for one input shape and number of threads: order, kernels with their
/// reordered weights, and one arena planned from the values' lifetimes. For texts one plan serves
/// rows of any length. Sessions share it: nothing in it changes but that kernels are made, in
/// parts, when the first row gets there, so that a row which leaves early, or never meets a shut
/// exit, does not pay for weights that it does not see.
class Plan {
 public:
  /// `graph` is fused already; its exit named "final" ends it. Exits run right behind their taps.
  /// weight_cache: where kernels find their weights in order, and leave them; null: nowhere. Throws
  /// Error where an exit reads what only comes after "final".
  Plan(const Graph& graph, int threads, const PrepareOptions& options = {},
       std::shared_ptr<WeightCache> weight_cache = nullptr);

  std::size_t parts() const { return parts_.size(); }
  /// Makes the kernels of a part, on all threads, where nobody has yet. Any number of threads may
  /// call it. Throws Error with the node's name.
  void prepare(std::size_t part) const;
  /// After prepare() of the step's part.
  const Executable& executable(std::size_t step) const { return *executables_[step]; }
  /// The most that a kernel of this part wants.
  std::size_t scratch_bytes(std::size_t part, const Capacity& capacity) const;

  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<PlanExit>& exits() const {
    return exits_;
  }  ///< in the order of the steps; the last is "final"
  const Shape& input_shape() const { return input_shape_; }
  bool is_text() const { return is_per_token(input_shape_); }
  const Slot& input() const { return input_; }
  std::size_t arena_floats() const { return arena_floats_; }  ///< for one entry
  /// Of the step that has most.
  std::size_t most_inputs() const { return most_inputs_; }
  const Cost& mainnet_cost() const { return mainnet_cost_; }
  int threads() const { return threads_; }
  /// Rows (texts: tokens) that move together, where the caller does not say.
  int micro_batch() const { return micro_batch_; }

 private:
  struct Part;
  void prepare_now(std::size_t index) const;

  std::vector<std::shared_ptr<Part>> parts_;
  mutable std::vector<std::unique_ptr<const Executable>> executables_;  ///< of each step
  mutable std::atomic<std::uint64_t> prepared_bytes_{
      0};  ///< of the weights of the parts that are prepared
  std::vector<Step> steps_;
  std::vector<PlanExit> exits_;
  Shape input_shape_;
  Slot input_;
  std::size_t arena_floats_ = 0, most_inputs_ = 0;
  Cost mainnet_cost_;
  int threads_ = 1, micro_batch_ = 1;
  PrepareOptions options_;
  std::shared_ptr<WeightCache> weight_cache_;
};

}  // namespace sidenet
