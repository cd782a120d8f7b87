#pragma once

#include <cstddef>
#include <memory>

namespace sidenet {

/// Weights in the order that kernels read them, kept from one process to the next. Kernels ask it, in the same order each
/// time, while a Use of it lives on their thread.
class WeightKeeper {
 public:
  virtual ~WeightKeeper() = default;
  /// What was kept of the request at this place; null: nothing, or not so many floats. Never written to.
  virtual std::shared_ptr<float> find(std::size_t floats) = 0;
  /// What the request at this place got instead; filled before the Use ends.
  virtual void keep(std::shared_ptr<float> data, std::size_t floats) = 0;

  /// Of this thread, or null.
  static WeightKeeper* current();
  class Use {
   public:
    explicit Use(WeightKeeper* keeper);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    WeightKeeper* before_;
  };
};

}  // namespace sidenet
