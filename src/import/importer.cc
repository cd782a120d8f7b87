#include <algorithm>
#include <sstream>

#include "exit_graph.h"
#include "import_text.h"
#include "model_data.h"
#include "model_metadata.h"
#include "named_errors.h"
#include "resnet_names.h"
#include "sidenet/checkpoint.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() && text.ends_with(ending);
}

// Other sources' names for the same modules. Throws Error where two tensors would get one name.
std::map<std::string, Tensor> clean_names(std::map<std::string, Tensor> tensors,
                                          const std::string& file) {
  std::map<std::string, Tensor> result;
  for (auto& [name, tensor] : tensors) {
    const std::string clean = models::clean_resnet_name(name);
    if (!result.emplace(clean, std::move(tensor)).second) {
      throw Error(file + ": tensors '" + name + "' and '" + clean + "' stand for the same module");
    }
  }
  return result;
}

// Wrappers put a path before every name ("model.", "backbone.", "encoder."): the part before the
// first block's weight.
std::string common_prefix(const std::map<std::string, Tensor>& tensors) {
  const std::string anchor = "layer1.0.conv1.weight";
  for (const auto& [name, tensor] : tensors) {
    if (name == anchor) return "";
  }
  for (const auto& [name, tensor] : tensors) {
    if (ends_with(name, "." + anchor)) return name.substr(0, name.size() - anchor.size());
  }
  return "";
}

std::string list_names(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 3; ++i)
    text += (i == 0 ? "'" : ", '") + names[i] + "'";
  return names.size() > 3 ? text + " and " + std::to_string(names.size() - 3) + " more" : text;
}

// Part of the network itself, so that leaving it out would change the answers.
bool belongs_to_network(const std::string& name) {
  return name.starts_with("layer") || name.starts_with("conv") || name.starts_with("bn") ||
         name.starts_with("fc.") || name.starts_with("linear.") || name.starts_with("encoder.") ||
         name.starts_with("embeddings.");
}

// Keeps what the network uses; refuses leftovers inside it; notes the others.
void keep_used(ModelData& data) {
  const models::Weights weights(data.weights, data.source);
  std::vector<std::string> foreign, dropped;
  for (const std::string& name : models::unused_weights(data.architecture, weights)) {
    if (!ends_with(name, "num_batches_tracked") && name != "embeddings.position_ids") {
      if (belongs_to_network(name)) foreign.push_back(name);
      dropped.push_back(name);
    }
    data.weights.erase(name);
  }
  if (!foreign.empty()) {
    throw Error(data.source + ": unknown architecture: it looks like a " + data.architecture.name +
                ", which has no place for " + list_names(foreign));
  }
  if (!dropped.empty())
    data.notes.push_back(printable_line("left out, not part of a " + data.architecture.name + ": " +
                                        list_names(dropped)));
}

void check_labels(ModelData& data) {
  const int classes = data.architecture.classes;
  if (classes > static_cast<int>(kMaxLabels)) {
    throw Error("labels: expected at most " + std::to_string(kMaxLabels) + ", the head of " +
                data.source + " has " + std::to_string(classes) + " classes");
  }
  if (data.labels.empty()) {
    for (int i = 0; i < classes; ++i) data.labels.push_back(std::to_string(i));
  }
  if (data.classes() != classes) {
    throw Error("labels: expected " + std::to_string(classes) + " (the head of " + data.source +
                "), got " + std::to_string(data.classes()));
  }
}

void check_channels(const char* what, const std::vector<float>& values, int channels) {
  if (!values.empty() && static_cast<int>(values.size()) != channels) {
    throw Error(std::string(what) + ": expected " + std::to_string(channels) +
                " values, one a channel, got " + std::to_string(values.size()));
  }
}

void check_values(const char* what, const std::vector<float>& values, double low, double high) {
  for (const float value : values) {
    if (value >= low && value <= high) continue;
    std::ostringstream message;
    message << what << ": expected values from " << low << " to " << high << ", got " << value;
    throw Error(message.str());
  }
}

void choose_preprocessing(ModelData& data, const ImportOptions& options) {
  Preprocessing& p = data.preprocessing;
  p = data.architecture.preprocessing;
  if (options.preprocess) {
    switch (*options.preprocess) {
      case PreprocessingPreset::none:
        p.mean.clear(), p.std.clear();
        p.resize = p.crop = 0;
        break;
      case PreprocessingPreset::imagenet:
        p.mean = {0.485f, 0.456f, 0.406f};
        p.std = {0.229f, 0.224f, 0.225f};
        p.resize = 256, p.crop = 224;
        break;
      case PreprocessingPreset::cifar10:
        p.mean = {0.4914f, 0.4822f, 0.4465f};
        p.std = {0.2470f, 0.2435f, 0.2616f};
        p.resize = 32, p.crop = 0;
        break;
    }
  }
  if (options.mean) p.mean = *options.mean;
  if (options.std) p.std = *options.std;
  const auto pixels = [](const char* what, int value) {
    if (value < 0 || value > Preprocessing::kMaxPixels)
      throw Error(std::string(what) + ": expected 0 to " +
                  std::to_string(Preprocessing::kMaxPixels) + " pixels, got " +
                  std::to_string(value));
    return value;
  };
  if (options.size) {
    p.resize = pixels("size", *options.size);
    if (!options.crop && p.crop > p.resize) p.crop = 0;
  }
  if (options.crop) p.crop = pixels("crop", *options.crop);
  check_channels("mean", p.mean, p.channels);
  check_channels("std", p.std, p.channels);
  check_values("mean", p.mean, -kMostMean, kMostMean);
  check_values("std", p.std, kLeastStd, kMostStd);
}

// In blocks, so that a copy of other types as float32 stays small.
bool holds_non_finite(const Tensor& tensor) {
  constexpr std::int64_t kBlock = 65'536;
  for (std::int64_t first = 0; first < tensor.size(); first += kBlock) {
    const std::int64_t count = std::min(kBlock, tensor.size() - first);
    const std::byte* bytes =
        tensor.raw() + static_cast<std::size_t>(first) * dtype_size(tensor.dtype());
    const Tensor block = Tensor(tensor.dtype(), {count}, bytes, nullptr).to_f32();
    const float* values = block.data<float>();
    if (!std::all_of(values, values + count, [](float x) { return x - x == 0; })) return true;
  }
  return false;
}

void warn_of_non_finite(ModelData& data) {
  for (const auto& [name, tensor] : data.weights) {
    if (holds_non_finite(tensor))
      data.notes.push_back(printable_line("tensor '" + name + "' holds NaN or infinite values"));
    tensor.release_pages();
  }
}

// A residual network's weights under clean names.
void clean_resnet(std::map<std::string, Tensor> tensors, ModelData& data) {
  tensors = clean_names(std::move(tensors), data.source);
  const std::string prefix = common_prefix(tensors);
  data.weights.clear();
  std::vector<std::string> left_out;
  for (auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) {
      data.weights.emplace(name.substr(prefix.size()), std::move(tensor));
    } else {
      left_out.push_back(name);
    }
  }
  if (!left_out.empty())
    data.notes.push_back(
        printable_line("left out, not under '" + prefix + "': " + list_names(left_out)));
}

void refuse_text_options(const ImportOptions& options, const ModelData& data) {
  if (options.config.empty() && options.vocabulary.empty() && !options.max_tokens) return;
  throw Error(data.source +
              ": config, vocabulary and max_tokens belong to text models, and this is a " +
              data.architecture.name);
}

void refuse_image_options(const ImportOptions& options, const ModelData& data) {
  if (!options.preprocess && !options.mean && !options.std && !options.size && !options.crop)
    return;
  throw Error(data.source +
              ": preprocess, mean, std, size and crop belong to image models, and this is a " +
              data.architecture.name);
}

Model import_model(const std::string& path, const ImportOptions& options) {
  const CheckpointFiles files = find_checkpoint_files(path, options);
  Checkpoint checkpoint = read_checkpoint(files.weights);
  if (checkpoint.metadata.count("sidenet.version"))
    throw Error(path +
                ": is a SideNet model already, expected a PyTorch or safetensors checkpoint");
  ModelData data;
  data.source = files.weights;
  data.weights = std::move(checkpoint.tensors);
  if (import_text(files, options, data)) {
    refuse_image_options(options, data);
  } else {
    clean_resnet(std::move(data.weights), data);
    data.architecture =
        models::recognise(models::Weights(data.weights, data.source), options.architecture);
    refuse_text_options(options, data);
    choose_preprocessing(data, options);
    data.labels = options.labels;
  }
  naming_file(data.source, [&] { keep_used(data); });
  check_labels(data);
  warn_of_non_finite(data);
  return make_model(std::move(data));
}

}  // namespace

std::vector<std::string> Model::checkpoint_files(const std::string& path,
                                                 const ImportOptions& options) {
  const CheckpointFiles files = find_checkpoint_files(path, options);
  std::vector<std::string> found;
  for (const std::string& file : {files.weights, files.config, files.tokenizer_config,
                                  files.sentence_config, files.vocabulary}) {
    if (!file.empty()) found.push_back(file);
  }
  return found;
}

Model Model::import_checkpoint(const std::string& path, const ImportOptions& options) {
  return telling_memory(path, [&] { return import_model(path, options); });
}

}  // namespace sidenet
