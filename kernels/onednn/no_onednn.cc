// What a build without oneDNN has in its place.
#include "onednn_conv2d.h"
#include "onednn_linear.h"
#include "onednn_version.h"

namespace sidenet::kernels::onednn {

bool is_available() { return false; }
std::string version() { return ""; }

std::unique_ptr<Conv2dKernel> make_conv2d(const Conv2dShape&, const float*, const float*,
                                          const float*, const Conv2dPost&) {
  return nullptr;
}

std::unique_ptr<LinearKernel> make_linear(int, std::span<const LinearWeights>, Activation, int) {
  return nullptr;
}

}  // namespace sidenet::kernels::onednn
