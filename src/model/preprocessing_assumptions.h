#pragma once

#include <vector>

#include "sidenet/assumption.h"
#include "sidenet/image.h"

namespace sidenet {

/// What of it a state dict does not tell: "resize", "crop", "interpolation", "EXIF orientation",
/// "mean", "std", "channels", in this order, as defaults.
std::vector<Assumption> assumptions_of(const Preprocessing& preprocessing);

}  // namespace sidenet
