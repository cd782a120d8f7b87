#pragma once

#include <map>
#include <string>

#include "pickle.h"
#include "sidenet/checkpoint.h"
#include "torch_tensor.h"

namespace sidenet {

/// Finds the weights in what torch.save wrote. From the top, at most four dicts deep:
/// 1. under the keys state_dict, model_state_dict, model_state, model, net, network, weights,
///    params, module, ema, state_dict_ema, model_ema, ema_state_dict, teacher, student that hold a
///    dict with tensors in it, and others that hold a state dict (names with dots);
/// 2. else this dict itself, where it holds tensors;
/// 3. else its only dict with tensors; several are an error that lists them.
/// Under 1 there may be several: then each tensor's name begins with its key. Dicts of optimizers,
/// schedulers, losses, metrics and generators of random numbers are none. Values that are not
/// tensors are left out; numbers and strings met on the way become metadata.
/// Throws Error: no weights, a whole pickled torch.nn.Module, what TorchTensorBuilder throws.
/// What it makes is charged to `budget`.
Checkpoint checkpoint_of(const pickle::Value& root, TorchTensorBuilder& builder, ReadBudget& budget,
                         const std::string& name);

/// Removes "module." and "_orig_mod." as long as every name begins with them.
void strip_common_prefixes(std::map<std::string, Tensor>& tensors);

}  // namespace sidenet
