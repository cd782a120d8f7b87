#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sidenet/batch.h"
#include "sidenet/execution.h"
#include "sidenet/exit_policy.h"
#include "sidenet/export.h"
#include "sidenet/model.h"
#include "sidenet/tensor.h"
#include "sidenet/text.h"

namespace sidenet {

struct SessionOptions {
  Execution execution = {};
  int micro_batch = 0;  ///< rows that move together through a segment; 0: chosen by the plan
  /// A folder, made where it is missing, that keeps weights in the order in which this processor
  /// reads them. Later processes start with them, in four fifths of the time or so. Their files are
  /// named by a digest of the weights that they are made of, so another or a damaged model never
  /// finds them. It must be the user's own, and no link. What is in it may be removed at any time.
  /// Empty: none. Answers are the same to the bit.
  std::string weight_cache = {};
  /// Bytes that all files there take at most. The least recently used are removed first, as are
  /// those that nobody has used for 30 days; other files are never touched. What does not fit is
  /// not kept.
  std::int64_t weight_cache_limit = std::int64_t{2} << 30;
  /// A row whose logits are not numbers (NaN, or an infinite largest one) has no answer. Off: run()
  /// throws Error, which names the first such row and its exit. On: such rows are marked in
  /// Answers, for those who want the others.
  bool mark_failed_rows = false;
};

/// What a batch gave, a line a row.
struct Answers {
  Tensor logits;           ///< (rows, classes), of the exit that answered, before temperature
  std::vector<int> index;  ///< the class, argmax of the logits
  std::vector<float> confidence;                         ///< of that exit, after its temperature
  std::vector<int> exit;                                 ///< index into Session::exit_names()
  Confidence measured_by = Confidence::max_probability;  ///< what `confidence` is
  /// MainNet's class of an audited row, -1 of others, and where MainNet's logits are not numbers;
  /// empty without an audit.
  std::vector<int> audit;
  /// With SessionOptions::mark_failed_rows: rows without an answer, in order. Their class is -1,
  /// their confidence 0, and their exit the one whose logits are not numbers; no later one was
  /// asked.
  std::vector<std::int64_t> failed;
  std::int64_t multiply_adds = 0;          ///< executed for the whole batch, SideNets included
  std::int64_t mainnet_multiply_adds = 0;  ///< what MainNet alone would have cost the same rows
};

/// The logits of every exit for every row, whatever they are: what sweeps and calibration need.
/// Nothing leaves early.
struct AllExits {
  std::vector<Tensor> logits;  ///< for each exit: (rows, classes)
  // Wall time of the call by exit, ms.
  std::vector<double>
      segment_ms;  ///< MainNet's nodes since the exit before; of `final` its own head too
  std::vector<double> head_ms;  ///< the SideNet; 0 for `final`
  // Multiply-adds of the call, in the same parts.
  std::vector<std::int64_t> segment_multiply_adds, head_multiply_adds;
};

/// Time of one node in a profiled run.
struct NodeTime {
  std::string name, op;
  std::string kernel;  ///< that ran it: "direct", "winograd", "onednn", "packed gemm", "simd", …
  Shape shape;         ///< of one row; -1 in front: one entry a token
  double ms = 0;
  std::int64_t multiply_adds = 0;  ///< for the whole batch
  /// Weights as the kernel keeps them, once, and the batch's inputs and outputs.
  std::int64_t bytes = 0;
};

/// Runs a Model. Holds plans and buffers, so one Session serves one thread; make another for
/// another thread. A row's answer, or that it has none, never depends on the rows it is batched
/// with, nor on the number of threads.
class SIDENET_API Session {
 public:
  explicit Session(const Model& model, const SessionOptions& options = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  /// Images or texts, whichever the model takes, as batch_of() makes them. What it returns stands
  /// by itself. Throws Error where the batch holds the other kind, the policy does not fit the
  /// model (check_policy), and for a row without an answer (mark_failed_rows).
  ///
  ///     const std::vector<Text> texts{{"What a lovely film."}};
  ///     const Answers answers = session.run(batch_of(model, texts));
  ///     std::puts(model.labels()[answers.index[0]].c_str());
  Answers run(const Batch& batch, const ExitPolicy& policy = {});
  AllExits run_all_exits(const Batch& batch);
  /// (rows, C, H, W) float32, preprocessed, any H and W that the network takes. Throws Error on
  /// another shape.
  Answers run(const Tensor& inputs, const ExitPolicy& policy = {});
  AllExits run_all_exits(const Tensor& inputs);
  /// Texts, of any lengths, packed. Throws Error where an id, position or type is not in the
  /// model's tables.
  Answers run(const TokenRows& inputs, const ExitPolicy& policy = {});
  AllExits run_all_exits(const TokenRows& inputs);
  /// Plans for such rows where their shape is new to this Session, so that no run's time has it.
  void prepare(const Batch& batch);
  /// Medians over `repeats` runs of the rows through every MainNet node and exit, after one run to
  /// warm up.
  std::vector<NodeTime> profile(const Batch& batch, int repeats);

  /// The probability of each class, of the exit that answered: softmax after its temperature. Where
  /// the exit maps its confidence and `answers` are measured by it, the answer's is the mapped one,
  /// and the other classes share the rest in proportion. Not of a row without an answer.
  std::vector<double> probabilities(const Answers& answers, std::int64_t row) const;

  /// Why a row of answers.failed has none, for a message with the row's name in front.
  std::string why_failed(const Answers& answers, std::int64_t row) const;
  /// "layer2.8", …, "final".
  const std::vector<std::string>& exit_names() const;
  /// Multiply-adds of MainNet alone for one row of this input shape, (C, H, W) or (tokens).
  std::int64_t mainnet_multiply_adds(const Shape& row_shape);
  int threads() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidenet
