#pragma once

// Library: libsidenet-study (pkg-config sidenet-study, CMake sidenet::study).

#include <cstdint>

#include "sidenet/enum_names.h"

namespace sidenet {

/// What turns an exit's logits into a confidence.
enum class ConfidenceFit : std::uint8_t {
  automatic,    ///< the first of the others that no later one beats on rows left out of the fit
  temperature,  ///< softmax(logits / T) alone (Guo et al., arXiv 1706.04599, section 4.2)
  sigmoid,      ///< then sigmoid(a logit(confidence) + b), a > 0 (Platt, "Probabilistic outputs for
                ///< SVMs", 1999)
  isotonic  ///< then a rising line through bins of rows, drawn towards the sigmoid where a bin has
            ///< few rows
};
template <>
inline constexpr EnumName<ConfidenceFit> kEnumNames<ConfidenceFit>[] = {
    {ConfidenceFit::automatic, "automatic"},
    {ConfidenceFit::temperature, "temperature"},
    {ConfidenceFit::sigmoid, "sigmoid"},
    {ConfidenceFit::isotonic, "isotonic"}};

}  // namespace sidenet
