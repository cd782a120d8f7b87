#pragma once

#include <vector>

#include "activation.h"
#include "operation.h"

namespace sidenet::ops {

struct LinearWeights {
  Tensor weight;  ///< (out, in)
  Tensor bias;    ///< (out), or empty
};

/// y = W x + b, (in) to (out) or (kTokens, in) to (kTokens, out). Takes in an activation
/// behind it, then the addition of a residual.
class Linear : public Operation {
 public:
  /// Throws Error where weight and bias disagree.
  Linear(Tensor weight, Tensor bias);
  /// Several layers over one input, their outputs side by side (queries, keys and values, say).
  explicit Linear(std::vector<LinearWeights> parts);
  std::size_t parts() const { return parts_.size(); }
  /// Some of the parts alone. Nothing must have been taken in.
  Linear part(std::size_t first, std::size_t count) const;
  /// For (in) which is one token of each row: with the bits that this operation gives that token
  /// among all.
  Linear over_first_tokens() const;
  std::string kind() const override;
  /// x, and a residual that was taken in.
  InputCount input_count() const override { return residual_ ? InputCount{2, 2} : InputCount{}; }
  Shape output_shape(std::span<const Shape> inputs) const override;
  std::int64_t multiply_adds(std::span<const Shape> inputs) const override;
  std::int64_t parameters() const override;
  std::unique_ptr<Operation> fuse(const Operation& next, std::size_t operand) const override;
  std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                      const PrepareOptions& options) const override;

 private:
  std::int64_t in_features() const { return parts_[0].weight.dim(1); }
  std::int64_t out_features() const;

  std::vector<LinearWeights> parts_;
  kernels::Activation activation_ = kernels::Activation::none;
  bool residual_ = false;
  bool of_tokens_ = false;  ///< its rows are tokens even where there is one a row
};

}  // namespace sidenet::ops
