#pragma once

#include <string>

#include "pickle.h"
#include "read_budget.h"
#include "sidenet/checkpoint.h"

namespace sidenet {

/// Keeps what a dict of a PyTorch checkpoint says beside the weights: numbers and short strings as
/// metadata; of arguments and configurations ("args", "hyper_parameters") those that name the
/// network, as "args.model"; and class names. What it makes is charged to `budget`.
void read_beside(const pickle::Dict& dict, Checkpoint& checkpoint, ReadBudget& budget,
                 const std::string& file);

}  // namespace sidenet
