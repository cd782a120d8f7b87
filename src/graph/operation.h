#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "row_batch.h"
#include "sidenet/kernels.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// An operation made ready for one input shape: weights reordered, primitives built. Immutable;
/// many threads may run one at once, each with its own scratch. Activations are float32, a row
/// after the other; a (C, H, W) row is stored channels-last; rows of tokens are packed, token after
/// token.
class Executable {
 public:
  virtual ~Executable() = default;
  /// The kernel that runs it, for a profile: "direct", "packed gemm", "simd", …
  virtual std::string kernel() const { return ""; }
  virtual std::size_t scratch_bytes(const Capacity&) const { return 0; }
  /// Bytes of weights it holds.
  virtual std::size_t weight_bytes() const { return 0; }
  /// Weights that are worth fetching into the caches before they are read (RowBatch::coming);
  /// empty: none.
  virtual std::span<const std::byte> streamed_weights() const { return {}; }
  /// Whether run() takes its threads from OpenMP itself, not from Team: one alone where a team is
  /// led.
  virtual bool has_own_threads() const { return false; }
  /// inputs: each (rows or tokens, elements of one). `threads`: how many it may use. A row's result
  /// is the same to the bit whatever the rows beside it and `threads` are.
  virtual void run(std::span<const float* const> inputs, float* output, const RowBatch& batch,
                   std::byte* scratch, int threads) const = 0;
};

/// How kernels are chosen.
struct PrepareOptions {
  bool winograd = true;  ///< where it is faster; off: convolutions by the direct sum alone
  Kernels kernels = Kernels::automatic;
  auto operator<=>(const PrepareOptions&) const = default;
};

/// How many inputs an operation takes.
struct InputCount {
  std::size_t least = 1, most = 1;
};

/// What a node computes. Shapes are those of one row, in PyTorch's order: (C, H, W), (features), or
/// (kTokens, features).
class Operation {
 public:
  virtual ~Operation() = default;
  /// "conv2d", "conv2d+add+relu", …
  virtual std::string kind() const = 0;
  /// Graph refuses a node with fewer inputs, or more.
  virtual InputCount input_count() const { return {}; }
  /// Throws Error where the inputs do not fit.
  virtual Shape output_shape(std::span<const Shape> inputs) const = 0;
  /// For one row. Of a row of tokens the leading extent is its real length here; the count must be
  /// a polynomial of degree 2 at most in it.
  virtual std::int64_t multiply_adds(std::span<const Shape> inputs) const {
    (void)inputs;
    return 0;
  }
  virtual std::int64_t parameters() const { return 0; }
  /// Whether an entry of the output (a row, or a token of it) depends on the same entry of each
  /// input alone.
  virtual bool is_by_entry() const { return false; }
  /// One operation that does this one and then `next`, whose input number `operand` is this one's
  /// output; null where there is none. Its inputs are this one's, then next's others.
  virtual std::unique_ptr<Operation> fuse(const Operation& next, std::size_t operand) const {
    (void)next, (void)operand;
    return nullptr;
  }
  /// The input whose buffer the output must start out as a copy of (an accumulating kernel's
  /// residual).
  virtual std::optional<std::size_t> accumulates_into() const { return std::nullopt; }
  /// An input whose buffer the output may take, where nobody else needs it.
  virtual std::optional<std::size_t> may_overwrite() const { return std::nullopt; }
  virtual std::unique_ptr<Executable> prepare(std::span<const Shape> inputs,
                                              const PrepareOptions& options) const = 0;
};

}  // namespace sidenet
