#pragma once

#include <string>

namespace sidenet::kernels::onednn {

/// Whether this build has oneDNN. Without it nothing here can be made.
bool is_available();
/// "2.6.3"; empty without oneDNN.
std::string version();

}  // namespace sidenet::kernels::onednn
