#include "sidenet/kernels.h"

#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr Kernels kAll[] = {Kernels::automatic, Kernels::own, Kernels::onednn, Kernels::eigen,
                            Kernels::reference};

}  // namespace

const char* kernels_name(Kernels kernels) {
  switch (kernels) {
    case Kernels::automatic: break;
    case Kernels::own: return "own";
    case Kernels::onednn: return "onednn";
    case Kernels::eigen: return "eigen";
    case Kernels::reference: return "reference";
  }
  return "auto";
}

Kernels kernels_named(const std::string& name) {
  for (const Kernels kernels : kAll)
    if (name == kernels_name(kernels)) return kernels;
  throw Error("kernels: expected auto, own, onednn, eigen or reference, got '" + name + "'");
}

std::vector<std::string> kernels_names() {
  std::vector<std::string> names;
  for (const Kernels kernels : kAll) names.emplace_back(kernels_name(kernels));
  return names;
}

}  // namespace sidenet
