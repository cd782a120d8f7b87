#pragma once

namespace sidenet::kernels {

/// A pooling window over one row, channels-last: (in_h, in_w, channels) to (out_h, out_w,
/// channels).
struct Pool2dShape {
  int channels = 0;
  int in_h = 0, in_w = 0, out_h = 0, out_w = 0;
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
  /// Average pooling divides by the whole window, as PyTorch's default.
  bool count_include_pad = true;
};

}  // namespace sidenet::kernels
