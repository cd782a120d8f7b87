#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sidenet/assumption.h"
#include "sidenet/certificate.h"
#include "sidenet/export.h"
#include "sidenet/image.h"
#include "sidenet/tensor.h"
#include "sidenet/text.h"
#include "sidenet/token_pooling.h"
#include "sidenet/tokenizer.h"

namespace sidenet {

/// An exit as a user sees it. `final`, MainNet's own head, is the last of a model's exits.
struct ExitInfo {
  std::string name;                        ///< "layer2.8", "encoder.layer.3"
  std::string tap;                         ///< the node read, by its PyTorch module path
  int pool = 0;                            ///< images: the tap is averaged to pool x pool
  std::optional<TokenPooling> token_pool;  ///< texts; none for MainNet's own head
  int hidden = 0;                          ///< width of the SideNet's hidden layer; 0 for `final`
  double temperature = 1;                  ///< logits are divided by it before softmax
  /// (confidence, calibrated confidence) from 0 to 1, straight between them: applied to the largest
  /// probability. Empty: as it is.
  std::vector<std::pair<float, float>> confidence_map;
  double threshold = 2;  ///< the model's default; above 1: shut
  /// Multiply-adds up to and with this exit (no other exits), as a ratio to MainNet; of texts, one
  /// of 128 tokens.
  double compute_share = 0;
};

/// One line of `inspect`: a node of the graph as it is executed.
struct NodeInfo {
  std::string name;  ///< PyTorch module path
  std::string op;    ///< "conv2d+add+relu", …
  Shape shape;       ///< output of one row, (C, H, W) or (features); -1 in front: one entry a token
  std::int64_t multiply_adds = 0;  ///< for one row; of texts, one of 128 tokens
  std::int64_t parameters = 0;
};

/// What `import` is told beside the checkpoint. Whatever is left out is read from the state dict,
/// or the family default.
struct ImportOptions {
  std::string architecture = {};  ///< "resnet50", "cifar_resnet", "bert", …; empty: recognised
  std::vector<std::string> labels = {};                ///< class names; empty: "0", "1", …
  std::optional<PreprocessingPreset> preprocess = {};  ///< unset: the family's own
  /// One a channel, in the network's order.
  std::optional<std::vector<float>> mean = {}, std = {};
  std::optional<ChannelOrder> channel_order = {};   ///< of 3 channels; unset: rgb
  std::optional<int> size = {};                     ///< resize, pixels
  std::optional<int> crop = {};                     ///< centre crop, pixels
  std::optional<Interpolation> interpolation = {};  ///< unset: bilinear
  std::optional<CropMode> crop_mode = {};           ///< unset: center
  std::optional<bool> exif_orientation = {};        ///< unset: no
  std::string config = {};  ///< of texts: a config.json; empty: the one beside the weights
  /// Of texts: a vocab.txt or tokenizer.json; empty: the one beside the weights.
  std::string vocabulary = {};
  /// Of texts: longer rows are cut; default: what the tokenizer's files say.
  std::optional<int> max_tokens = {};
  /// Of several networks in one checkpoint: the one whose tensors' names begin so ("student.").
  std::string prefix = {};
  /// Modules whose tensors are left out, as they do not change the answers ("criterion").
  std::vector<std::string> drop = {};
  /// What a state dict does not say, by name. ResNets: stem_stride, stem_padding, stem_pool (max,
  /// none), strides ("1,2,2,2": one a stage), bottleneck_stride (3x3, 1x1: the convolution that has
  /// it), shortcut_zeros (both, behind: of option A), epsilon (of batch norms), activation. Texts:
  /// epsilon (of layer norms), activation, attention_heads, head_input (pooler, cls, mean: what the
  /// head reads). Both: head ("fc1,fc2": its modules in their order), head_activation (between its
  /// linear layers; none), one_logit (sigmoid: two classes, of which it is the second's).
  std::map<std::string, std::string> settings = {};
};

struct ModelData;  // weights and description; internal

/// A MainNet with its SideNets: immutable, cheap to copy, safe to share between threads. What is
/// returned by reference lives as long as any copy; exits, taps and nodes are found when they are
/// first asked for, and kept.
class SIDENET_API Model {
 public:
  /// Opens a model file (memory-mapped: it must stay as it is while a copy of the Model lives).
  /// Throws Error where it is not one, or does not fit its architecture.
  ///
  ///     const Model model = Model::load("fashion_mnist.safetensors");
  static Model load(const std::string& path);
  /// A model file's bytes in memory: linked into a program, say. `name` stands for the file in
  /// messages. The bytes are read in place: `keep_alive` holds them for as long as a copy of the
  /// Model or one of its tensors lives; without it the caller does. Throws Error as above.
  ///
  ///     const Model model = Model::load(std::as_bytes(std::span(kModel)), "built-in model");
  static Model load(std::span<const std::byte> bytes, const std::string& name,
                    std::shared_ptr<const Storage> keep_alive = nullptr);
  /// Reads a PyTorch or safetensors checkpoint, the index of one in several files, or a Hugging
  /// Face folder. Nothing in it is executed.
  ///
  ///     Model::import_checkpoint("resnet20.th").save("resnet20.safetensors");
  static Model import_checkpoint(const std::string& path, const ImportOptions& options = {});
  /// The files that import_checkpoint() reads: the weights, all of them where they are several, and
  /// what of texts lies beside them.
  static std::vector<std::string> checkpoint_files(const std::string& path,
                                                   const ImportOptions& options = {});
  /// Writes one safetensors file: to a temporary file first, then renamed.
  void save(const std::string& path) const;

  const std::string& architecture() const;         ///< "resnet50", "cifar_resnet56", …
  const std::vector<std::string>& labels() const;  ///< one a class
  /// What the training data called each class ("": not seen), where names did not tell which is
  /// which; later data is taken likewise. Else empty.
  const std::vector<std::string>& data_labels() const;
  bool is_text() const;
  /// Of images.
  const Preprocessing& preprocessing() const;
  /// Of texts. Throws Error where the model has no vocabulary, or takes images.
  const Tokenizer& tokenizer() const;
  bool has_tokenizer() const;
  /// False for an encoder that has no head yet: `train` can fit one.
  bool has_head() const;
  /// Exits in the order of the graph; the last is `final`.
  const std::vector<ExitInfo>& exits() const;
  /// One row's input shape, (C, H, W), where the model's preprocessing fixes it or at its family's
  /// usual size; of texts (128), the number of tokens that shares of compute are told for.
  Shape input_shape() const;
  /// Names that TrainOptions::taps accepts, in the order of the graph, with the share of MainNet's
  /// compute spent when each is there.
  const std::vector<std::pair<std::string, double>>& taps() const;
  /// The nodes as executed for one row of input_shape(), exits among them.
  const std::vector<NodeInfo>& nodes() const;
  /// Of texts: the words of the embedding, and its positions, which are the most tokens of a row. 0
  /// of images.
  int vocabulary_size() const;
  int most_tokens() const;
  /// Multiply-adds of MainNet alone, without SideNets, for one row of input_shape().
  std::int64_t mainnet_multiply_adds() const;
  /// What calibration promised, if it did. certificate_problem() says whether it still holds.
  const std::optional<Certificate>& certificate() const;
  /// Empty where there is a certificate and everything that it covers is as it was; else what is
  /// not, in a line. Reads all weights.
  std::string certificate_problem() const;
  /// Of a model that was loaded: whether the file is as save() wrote it, by a digest of all that
  /// answers depend on (for accidents and edits by hand: no signature). Empty where it is, or was
  /// written without a digest; else a line. Reads all weights.
  std::string file_problem() const;
  /// 32 hexadecimal digits of all that answers depend on. Of a file that save() wrote it is the one
  /// that it wrote, at once (file_problem() compares it); otherwise all weights are read for it.
  std::string digest() const;
  /// What import found worth saying (tensors left out, say), a line each.
  const std::vector<std::string>& notes() const;
  /// What import took for granted, and where from; kept in the file.
  const std::vector<Assumption>& assumptions() const;
  /// What check_against() found, kept in the file; none: never compared with PyTorch.
  const std::optional<ReferenceCheck>& checked() const;
  /// Weights of MainNet and SideNets by their PyTorch names: views of the file.
  const std::map<std::string, Tensor>& tensors() const;

 private:
  friend struct ModelAccess;  // of the library itself
  explicit Model(std::shared_ptr<const ModelData> data) : data_(std::move(data)) {}
  std::shared_ptr<const ModelData> data_;
};

}  // namespace sidenet
