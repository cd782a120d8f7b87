#include <algorithm>

#include "exit_graph.h"
#include "families.h"
#include "import_image.h"
#include "import_text.h"
#include "model_data.h"
#include "model_metadata.h"
#include "named_errors.h"
#include "sidenet/checkpoint.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

std::string list_names(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 3; ++i)
    text += (i == 0 ? "'" : ", '") + names[i] + "'";
  return names.size() > 3 ? text + " and " + std::to_string(names.size() - 3) + " more" : text;
}

// Gives data.weights the names of the first family that knows them.
const models::Family& clean_names(ModelData& data) {
  for (const models::Family* family : models::families()) {
    const auto cleaned = family->clean_names(data.weights, data.source);
    if (!cleaned) continue;
    if (!cleaned->left_out.empty())
      data.notes.push_back(printable_line("left out, not under '" + cleaned->prefix +
                                          "': " + list_names(cleaned->left_out)));
    return *family;
  }
  models::refuse_unknown(models::Weights(data.weights, data.source));
}

// Part of a network, so that leaving it out would change the answers.
bool belongs_to_network(const std::string& name) {
  const auto families = models::families();
  return std::any_of(families.begin(), families.end(),
                     [&](const models::Family* family) { return family->owns(name); });
}

// Builds MainNet and keeps what it uses; refuses leftovers inside it; notes the others.
Graph build_of_used(ModelData& data) {
  const models::Weights weights(data.weights, data.source);
  Graph mainnet = models::build_graph(data.architecture, weights, default_input_shape(data));
  std::vector<std::string> foreign, dropped;
  for (const std::string& name : weights.unused()) {
    if (!name.ends_with("num_batches_tracked")) {
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
  return mainnet;
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

// Architecture, labels, and what belongs to images or texts.
void recognise(const models::Family& family, const CheckpointFiles& files,
               const ImportOptions& options, ModelData& data) {
  const models::Weights weights(data.weights, data.source);
  std::optional<JsonField> config;
  if (family.takes_texts() && !files.config.empty()) config = read_object(files.config);
  data.architecture =
      models::recognise(weights, options.architecture,
                        config ? family.read_config(*config, weights) : models::Settings{});
  family.check_checkpoint(data.architecture, data.source, config.has_value());
  data.labels = options.labels;
  if (data.is_text()) {
    import_text(files, options, config, data);
  } else {
    import_image(options, data);
  }
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
  const models::Family& family = clean_names(data);
  recognise(family, files, options, data);
  Graph mainnet = naming_file(data.source, [&] { return build_of_used(data); });
  check_labels(data);
  warn_of_non_finite(data);
  return make_model(std::move(data), std::move(mainnet));
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
