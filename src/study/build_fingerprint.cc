#include "build_fingerprint.h"

#include "available_kernels.h"
#include "library_fingerprint.h"
#include "weight_memory.h"

namespace sidenet {

std::string build_fingerprint() {
  return SIDENET_LIBRARY_FINGERPRINT + (' ' + kernels::library_versions()) + ' ' +
         kernels::cpu::machine_fingerprint();
}

}  // namespace sidenet
