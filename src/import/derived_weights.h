#pragma once

#include "model_data.h"

namespace sidenet {

/// Puts the weights that PyTorch would compute in place of what it computes them of, as in eval():
/// torch.nn.utils.prune (weight_orig, weight_mask), weight_norm (weight_g, weight_v) and
/// spectral_norm (weight_orig, weight_u, weight_v), by hooks or by torch.nn.utils.parametrizations.
/// Notes how many of each. Throws Error, naming the tensor, where their shapes do not fit or it is
/// another parametrisation.
void compute_derived_weights(ModelData& data);

}  // namespace sidenet
