#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sidenet/tensor.h"

namespace sidenet {

/// (x - mean) / std, feature by feature.
struct Standardisation {
  std::vector<float> mean, std;

  /// Mean and standard deviation over `rows` of features (all rows, F); one pass, in double. A
  /// feature that hardly varies would turn noise into huge values, so std is at least a hundredth
  /// of the features' quadratic mean std; 1 where none varies. Throws Error, with `name`, where a
  /// value is not finite. Same for any `threads`.
  static Standardisation measure(const std::string& name, const Tensor& features,
                                 std::span<const std::int64_t> rows, int threads);

  /// Gathers `rows` of features, standardised, into to (rows, F).
  void gather(const Tensor& features, std::span<const std::int64_t> rows, float* to,
              int threads) const;
};

}  // namespace sidenet
