#include "prepared_sidenet.h"

#include "exit_head.h"
#include "large_buffer.h"

namespace sidenet::ops {

PreparedSideNet::PreparedSideNet(SideNet sidenet, int threads) : threads_(threads) {
  sidenet.pooling = {};  // what it gets is pooled
  const ExitHead head(std::move(sidenet));
  const Shape row{head.sidenet().features()};
  executable_ = head.prepare({&row, 1}, {});
  scratch_ = allocate_large(executable_->scratch_bytes({1, 0, threads}));
}

void PreparedSideNet::run(const float* features, int rows, float* logits) const {
  executable_->run({&features, 1}, logits, {rows, 0, nullptr}, scratch_.get(), threads_);
}

}  // namespace sidenet::ops
