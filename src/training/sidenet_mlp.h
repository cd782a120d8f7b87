#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sidenet {

/// Dropout of one training step (Srivastava et al., JMLR 15, 2014), inverted: what stays is scaled
/// by 1 / (1 - p). The mask depends on seed, step and place only, not on threads.
struct Dropout {
  double input = 0, hidden = 0;  ///< probabilities, in [0, 1)
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
};

/// The trainable part of a SideNet: logits = fc2(relu(fc1(x))), with its gradient. Rows are
/// computed batch by batch in buffers that are reused.
class SideNetMlp {
 public:
  SideNetMlp(int features, int hidden, int classes, int max_rows, int threads);

  /// He et al. (arXiv 1502.01852) uniform for fc1; fc2 uniform of variance 1 / hidden; biases 0.
  void initialise(std::uint64_t seed);

  int features() const { return features_; }
  int hidden() const { return hidden_; }
  int classes() const { return classes_; }

  // All parameters in one array, and their gradient in another of the same layout.
  std::span<float> parameters() { return parameters_; }
  std::span<const float> parameters() const { return parameters_; }
  std::span<const float> gradient() const { return gradient_; }
  // Offset and extent of each part.
  struct Part {
    std::size_t offset, size;
  };
  Part fc1_weight() const { return {0, fc1_weight_size()}; }  ///< (hidden, features)
  Part fc1_bias() const { return {fc1_weight_size(), static_cast<std::size_t>(hidden_)}; }
  Part fc2_weight() const {
    return {fc1_weight_size() + fc1_bias().size, fc2_weight_size()};
  }  ///< (classes, hidden)
  Part fc2_bias() const {
    return {fc2_weight().offset + fc2_weight_size(), static_cast<std::size_t>(classes_)};
  }

  /// x: (rows, features), rows <= max_rows; with dropout, x is masked in place. Returns logits
  /// (rows, classes), valid until the next call.
  const float* forward(float* x, int rows, const Dropout* dropout = nullptr);

  /// After forward(x): the loss of the batch, mean over rows of -sum_c targets[c] log p[c], and
  /// gradient() of it. x: as forward left it; targets: (rows, classes), each row a distribution;
  /// dropout: as forward had it.
  double backward(const float* x, const float* targets, int rows, const Dropout* dropout = nullptr);

  /// After forward(): the losses alone, one a row, without the gradient.
  void losses(const float* targets, int rows, double* loss) const;

 private:
  std::size_t fc1_weight_size() const {
    return static_cast<std::size_t>(hidden_) * static_cast<std::size_t>(features_);
  }
  std::size_t fc2_weight_size() const {
    return static_cast<std::size_t>(classes_) * static_cast<std::size_t>(hidden_);
  }
  void activate_hidden(int rows, const Dropout* dropout);

  int features_, hidden_, classes_, threads_;
  std::vector<float> parameters_, gradient_;
  std::vector<float> activation_;                // (max_rows, hidden), after ReLU and dropout
  std::vector<float> hidden_gradient_;           // (max_rows, hidden)
  std::vector<float> logits_, logits_gradient_;  // (max_rows, classes)
  std::vector<double> row_loss_;                 // (max_rows)
};

}  // namespace sidenet
