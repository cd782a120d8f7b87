#include "conv2d_choice.h"

#include <vector>

#include "depthwise_conv2d.h"
#include "direct_conv2d.h"
#include "eigen_conv2d.h"
#include "im2col_conv2d.h"
#include "onednn_conv2d.h"
#include "reference_layers.h"
#include "winograd_conv2d.h"

namespace sidenet::kernels {
namespace {

using Kernel = std::unique_ptr<Conv2dKernel>;

// The weights times their scales.
class ScaledWeight {
 public:
  explicit ScaledWeight(const Conv2dProblem& p) : data_(p.weight) {
    if (!p.scale) return;
    const std::size_t each =
        std::size_t(p.shape.in_channels / p.shape.groups) * p.shape.kernel_h * p.shape.kernel_w;
    scaled_.assign(p.weight, p.weight + each * p.shape.out_channels);
    for (std::size_t i = 0; i < scaled_.size(); ++i) scaled_[i] *= p.scale[i / each];
    data_ = scaled_.data();
  }
  const float* data() const { return data_; }

 private:
  std::vector<float> scaled_;
  const float* data_;
};

Kernel winograd_kernel(const Conv2dProblem& p) {
  return cpu::make_winograd_conv2d(p.shape, p.weight, p.scale, p.bias, p.post);
}

Kernel direct_kernel(const Conv2dProblem& p) {
  return cpu::make_direct_conv2d(p.shape, p.weight, p.scale, p.bias, p.post);
}

Kernel onednn_kernel(const Conv2dProblem& p) {
  return onednn::make_conv2d(p.shape, p.weight, p.scale, p.bias, p.post);
}

// Ours for any shape.
Kernel general_kernel(const Conv2dProblem& p) {
  const ScaledWeight weight(p);
  const Conv2dShape& s = p.shape;
  if (s.groups > 1 && s.in_channels == s.groups && s.out_channels == s.groups)
    return std::make_unique<cpu::DepthwiseConv2d>(s, weight.data(), p.bias, p.post);
  return std::make_unique<cpu::Im2colConv2d>(s, weight.data(), p.bias, p.post);
}

Kernel own_kernel(const Conv2dProblem& p, bool winograd) {
  if (winograd && cpu::winograd_suits(p.shape)) return winograd_kernel(p);
  if (cpu::direct_supports(p.shape)) return direct_kernel(p);
  return general_kernel(p);
}

// Where ours is not the fastest: oneDNN's, or ours in a build without it.
Kernel fastest_kernel(const Conv2dProblem& p, bool winograd) {
  if (winograd && cpu::winograd_suits(p.shape)) return winograd_kernel(p);
  if (cpu::direct_suits(p.shape)) return direct_kernel(p);
  Kernel kernel = onednn_kernel(p);
  return kernel ? std::move(kernel) : general_kernel(p);
}

}  // namespace

std::unique_ptr<Conv2dKernel> choose_conv2d(const Conv2dProblem& problem, Kernels kernels,
                                            bool winograd) {
  switch (kernels) {
    case Kernels::automatic: break;
    case Kernels::own: return own_kernel(problem, winograd);
    case Kernels::onednn: {
      Kernel kernel = onednn_kernel(problem);
      return kernel ? std::move(kernel) : own_kernel(problem, winograd);
    }
    case Kernels::eigen:
      return cpu::make_eigen_conv2d(problem.shape, ScaledWeight(problem).data(), problem.bias,
                                    problem.post);
    case Kernels::reference:
      return make_reference_conv2d(problem.shape, ScaledWeight(problem).data(), problem.bias,
                                   problem.post);
  }
  return fastest_kernel(problem, winograd);
}

}  // namespace sidenet::kernels
