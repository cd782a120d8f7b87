#pragma once

#include <cstddef>
#include <memory>

#include "operation.h"
#include "sidenet.h"

namespace sidenet::ops {

/// A SideNet made ready for rows of pooled features: what an ExitHead gives, without a graph. For
/// one thread at a time.
class PreparedSideNet {
 public:
  /// threads: that each run may use. Throws Error where the tensors disagree.
  PreparedSideNet(SideNet sidenet, int threads);
  /// features: (rows, features); logits: (rows, classes).
  void run(const float* features, int rows, float* logits) const;

 private:
  int threads_;
  std::unique_ptr<Executable> executable_;
  std::shared_ptr<std::byte> scratch_;
};

}  // namespace sidenet::ops
