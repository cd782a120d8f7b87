#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sidenet/enum_names.h"
#include "sidenet/risk.h"
#include "sidenet/tensor.h"
#include "sidenet/text.h"
#include "sidenet/token_pooling.h"
#include "sidenet/tokenizer.h"

namespace sidenet {

/// How an image file becomes an input: resize the shorter side to `resize` (antialiased bilinear,
/// as Pillow does it), cut out the centre `crop` x `crop`, scale bytes to 0 … 1, then (x - mean[c])
/// / std[c]. 0 leaves a step out. With `crop` 0 the image is resized to exactly `resize` x
/// `resize`. `size` is what the network receives.
struct Preprocessing {
  /// Of resize and crop: a network that is given a picture of this size already takes gigabytes.
  static constexpr int kMaxPixels = 4096;
  std::vector<float> mean;  ///< one a channel; empty: none
  std::vector<float> std;   ///< one a channel; empty: none
  int resize = 0;           ///< pixels
  int crop = 0;             ///< pixels
  int channels = 3;         ///< 1 (grey) or 3 (RGB)
  /// Height and width of the network's input; 0 where the image keeps its own size.
  int size() const { return crop > 0 ? crop : resize; }
};

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

/// What `calibrate` promises: rows drawn as the calibration rows were lose no more than epsilon.
/// The promise is about calibrating: of many calibrations, each on freshly drawn rows, at most a
/// share delta break it (Learn then Test, arXiv 2110.01052).
struct Certificate {
  Risk risk = Risk::drop;
  double epsilon = 0, delta = 0;
  std::string method;                ///< the test
  std::int64_t rows = 0;             ///< with labels that it was tested on
  std::int64_t unlabelled_rows = 0;  ///< and without
  std::int64_t fitted_rows =
      0;             ///< other rows: temperatures, and in what order thresholds were tested
  double bound = 0;  ///< upper confidence bound of the risk at look_delta; of all classes
  double disagreement_bound = 0;  ///< at delta, of disagreement with MainNet, whatever the risk
  double accuracy = 0, mainnet_accuracy = 0;  ///< on the rows with labels
  double compute = 0;                         ///< on those rows, over MainNet's
  std::map<std::string, double> thresholds;   ///< by exit; above 1: shut
  std::string precision = "f32";
  bool winograd = true;
  /// A promise of each class; empty: of all rows together.
  struct ClassPromise {
    std::string label;
    std::int64_t rows = 0;
    double bound = 0;
  };
  std::vector<ClassPromise> classes;
  bool distinct =
      false;  ///< over different rows, each counted once: another population where rows repeat
  bool training_rows_known =
      false;  ///< whether rows that SideNets were trained on could be left out
  // How it came about.
  std::uint64_t seed = 0;  ///< of the split
  std::string data;        ///< digest of the rows and their labels, in their order
  int look = 1;            ///< which one it is at these rows, of those told of
  bool looks_kept = false;
  double look_delta = 0;  ///< the part of delta that this look was tested at
  static constexpr int kVersion = 2;
  /// Below kVersion: from before rows were split by their number. Its promise fails where rows
  /// repeat, so that it does not hold any more.
  int version = kVersion;
  std::string
      digest;  ///< of weights, SideNets, temperatures, maps and all else that answers depend on
};

/// One line of `inspect`: a node of the graph as it is executed.
struct NodeInfo {
  std::string name;  ///< PyTorch module path
  std::string op;    ///< "conv2d+add+relu", …
  Shape shape;       ///< output of one row, (C, H, W) or (features); -1 in front: one entry a token
  std::int64_t multiply_adds = 0;  ///< for one row; of texts, one of 128 tokens
  std::int64_t parameters = 0;
};

/// Mean, std and sizes as a data set's models usually have them.
enum class PreprocessingPreset {
  imagenet,  ///< 256, then the centre 224
  cifar10,   ///< 32
  none       ///< bytes to 0 … 1 alone
};
template <>
inline constexpr EnumName<PreprocessingPreset> kEnumNames<PreprocessingPreset>[] = {
    {PreprocessingPreset::imagenet, "imagenet"},
    {PreprocessingPreset::cifar10, "cifar10"},
    {PreprocessingPreset::none, "none"}};

/// What `import` is told beside the checkpoint. Whatever is left out is read from the state dict,
/// or the family default.
struct ImportOptions {
  std::string architecture;         ///< "resnet50", "cifar_resnet", "bert", …; empty: recognised
  std::vector<std::string> labels;  ///< class names; empty: "0", "1", …
  std::optional<PreprocessingPreset> preprocess;  ///< unset: the family's own
  std::optional<std::vector<float>> mean, std;    ///< one a channel
  std::optional<int> size;                        ///< resize, pixels
  std::optional<int> crop;                        ///< centre crop, pixels
  std::string config;  ///< of texts: a config.json; empty: the one beside the weights
  std::string
      vocabulary;  ///< of texts: a vocab.txt or tokenizer.json; empty: the one beside the weights
  std::optional<int>
      max_tokens;  ///< of texts: longer rows are cut; default: what the tokenizer's files say
};

struct ModelData;  // weights and description; internal

/// A MainNet with its SideNets: immutable, cheap to copy, safe to share between threads.
class Model {
 public:
  /// Opens a model file (memory-mapped). Throws Error where it is not one, or does not fit its
  /// architecture.
  static Model load(const std::string& path);
  /// Reads a PyTorch or safetensors checkpoint, or a Hugging Face folder. Nothing in it is
  /// executed.
  static Model import_checkpoint(const std::string& path, const ImportOptions& options = {});
  /// The files that import_checkpoint() reads: the weights, and what of texts lies beside them.
  static std::vector<std::string> checkpoint_files(const std::string& path,
                                                   const ImportOptions& options = {});
  /// Writes one safetensors file: to a temporary file first, then renamed.
  void save(const std::string& path) const;

  const std::string& architecture() const;         ///< "resnet50", "cifar_resnet56", …
  const std::vector<std::string>& labels() const;  ///< one a class
  bool is_text() const;
  /// Of images.
  const Preprocessing& preprocessing() const;
  /// Of texts. Throws Error where the model has no vocabulary, or takes images.
  const Tokenizer& tokenizer() const;
  bool has_tokenizer() const;
  /// False for an encoder that has no head yet: `train` can fit one.
  bool has_head() const;
  /// Exits in the order of the graph; the last is `final`.
  std::vector<ExitInfo> exits() const;
  /// One row's input shape, (C, H, W), where the model's preprocessing fixes it or at its family's
  /// usual size; of texts (128), the number of tokens that shares of compute are told for.
  Shape input_shape() const;
  /// Names that `--at` accepts, in the order of the graph, with the share of MainNet's compute
  /// spent when each is there.
  std::vector<std::pair<std::string, double>> taps() const;
  /// The nodes as executed for one row of input_shape(), exits among them.
  std::vector<NodeInfo> nodes() const;
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
  /// Weights of MainNet and SideNets by their PyTorch names.
  std::map<std::string, Tensor> tensors() const;

 private:
  friend struct ModelAccess;  // of the library itself
  explicit Model(std::shared_ptr<const ModelData> data) : data_(std::move(data)) {}
  std::shared_ptr<const ModelData> data_;
};

}  // namespace sidenet
