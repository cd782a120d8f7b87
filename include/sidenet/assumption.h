#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <string>

#include "sidenet/enum_names.h"

namespace sidenet {

/// Where import has it from.
enum class AssumptionSource {
  weights,       ///< names and shapes of the checkpoint's tensors
  config,        ///< another entry of the checkpoint, or a file beside it
  option,        ///< the user said so
  tried,         ///< labelled pictures chose it: try_preprocessing()
  default_value  ///< nobody did: the family's usual value
};
template <>
inline constexpr EnumName<AssumptionSource> kEnumNames<AssumptionSource>[] = {
    {AssumptionSource::weights, "weights"},
    {AssumptionSource::config, "config"},
    {AssumptionSource::option, "option"},
    {AssumptionSource::tried, "tried"},
    {AssumptionSource::default_value, "default"}};

/// Something that answers depend on and a state dict does not say: {"stem stride", "2", default}.
struct Assumption {
  std::string what, value;
  AssumptionSource source = AssumptionSource::default_value;
};

/// What came of comparing MainNet with logits that PyTorch gave.
struct ReferenceCheck {
  std::int64_t rows = 0;
  double difference = 0;  ///< largest |difference| of a logit, over the largest |logit|
};

}  // namespace sidenet
