#include "linear_choice.h"

#include "eigen_linear.h"
#include "onednn_linear.h"
#include "packed_layers.h"
#include "reference_layers.h"

namespace sidenet::kernels {
namespace {

// Rows that a library multiplies at once. Of vectors there are few, and padding costs as rows do.
int tile_rows(LinearRows rows) { return rows == LinearRows::tokens ? 32 : 8; }

}  // namespace

std::unique_ptr<LinearKernel> choose_linear(const LinearProblem& p, Kernels kernels) {
  switch (kernels) {
    case Kernels::automatic:
    case Kernels::own: break;
    case Kernels::onednn:
      if (auto kernel =
              onednn::make_linear(p.in_features, p.parts, p.activation, tile_rows(p.rows)))
        return kernel;
      break;
    case Kernels::eigen:
      return cpu::make_eigen_linear(p.in_features, p.parts, p.activation, tile_rows(p.rows));
    case Kernels::reference: return make_reference_linear(p.in_features, p.parts, p.activation);
  }
  return make_packed_linear(p);
}

}  // namespace sidenet::kernels
