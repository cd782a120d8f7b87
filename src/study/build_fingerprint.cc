#include "build_fingerprint.h"

#include "library_fingerprint.h"
#include "weight_memory.h"
#if SIDENET_ONEDNN
#include "onednn_conv2d.h"
#endif

namespace sidenet {

std::string build_fingerprint() {
  std::string text = SIDENET_LIBRARY_FINGERPRINT;
#if SIDENET_ONEDNN
  text += std::string(" oneDNN ") + kernels::onednn::version();
#endif
  return text + ' ' + kernels::cpu::machine_fingerprint();
}

}  // namespace sidenet
