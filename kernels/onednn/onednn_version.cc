#include "onednn_version.h"

#include <dnnl.hpp>

namespace sidenet::kernels::onednn {

bool is_available() { return true; }

std::string version() {
  const auto* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

}  // namespace sidenet::kernels::onednn
