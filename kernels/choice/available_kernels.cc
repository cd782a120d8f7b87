#include "available_kernels.h"

#include "onednn_version.h"
#include "sidenet/error.h"

namespace sidenet::kernels {

void require_available(Kernels kernels) {
  if (kernels == Kernels::onednn && !onednn::is_available())
    throw Error(
        "kernels: expected auto, own, eigen or reference, as this build has no oneDNN, got onednn");
}

std::string library_versions() {
  return onednn::is_available() ? "oneDNN " + onednn::version() : "";
}

}  // namespace sidenet::kernels
