#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include "sidenet/batch.h"
#include "sidenet/error.h"
#include "sidenet/export.h"
#include "sidenet/model.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// As far as MainNet's logits may be from PyTorch's, of the largest |logit|.
inline constexpr double kCheckTolerance = 1e-4;

/// What checked_against() throws where a network of other settings may give PyTorch's logits.
class SIDENET_API OtherWiring : public Error {
 public:
  using Error::Error;
  OtherWiring(const OtherWiring&) = default;
  OtherWiring& operator=(const OtherWiring&) = default;
  ~OtherWiring() override;
};

/// The largest |difference| of MainNet's logits from PyTorch's for the same rows, over the largest
/// |logit|; NaN where one is. Throws Error as checked_against() does of what cannot be compared.
SIDENET_API double reference_difference(const Model& model, const Batch& inputs,
                                        const Tensor& logits);

/// Compares MainNet's logits with those that PyTorch gave for the same rows, (rows, classes)
/// float32. A state dict does not say strides, padding, pooling or epsilon: this shows whether
/// import took the right ones for granted. Returns the model with the outcome in checked(). Throws
/// Error where shapes differ, MainNet has no head of its own, or a logit is further apart than
/// kCheckTolerance.
///
///     checked_against(model, {.inputs = read_npy("x.npy")}, read_npy("y.npy")).save("net.st");
SIDENET_API Model checked_against(const Model& model, const Batch& inputs, const Tensor& logits);

}  // namespace sidenet
