#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sidenet {

/// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2).
class AdamW {
 public:
  explicit AdamW(std::size_t parameters) : mean_(parameters, 0.0f), square_(parameters, 0.0f) {}
  /// Begins a step; update() then covers each parameter once.
  void begin_step() { ++step_; }
  /// parameters, gradient: the elements from `offset` on of the whole array. decay: 0 for biases.
  void update(std::span<float> parameters, std::span<const float> gradient, std::size_t offset,
              double learning_rate, double decay, int threads);

 private:
  std::int64_t step_ = 0;
  std::vector<float> mean_, square_;
};

/// Linear warm-up over the first `warm_up` steps, then half a cosine down to 0 at `steps` (arXiv
/// 1608.03983, equation 5). step: from 0.
double scheduled_rate(double peak, std::int64_t step, std::int64_t steps, std::int64_t warm_up);

}  // namespace sidenet
