#include <algorithm>

#include "config_labels.h"
#include "derived_weights.h"
#include "evidence.h"
#include "exit_graph.h"
#include "families.h"
#include "import_image.h"
#include "import_text.h"
#include "leftovers.h"
#include "model_data.h"
#include "model_metadata.h"
#include "named_errors.h"
#include "sharded_checkpoint.h"
#include "sidenet/checkpoint.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

// Gives data.weights the names of the first family that knows them.
const models::Family& clean_names(ModelData& data, const CheckpointFiles& files,
                                  models::CleanedNames& names) {
  for (const models::Family* family : models::families()) {
    auto cleaned = family->clean_names(data.weights, data.source);
    if (!cleaned) continue;
    names = *std::move(cleaned);
    return *family;
  }
  models::refuse_unknown(models::Weights(data.weights, data.source), told_by_config(files));
}

// Builds MainNet and keeps what it uses.
Graph build_of_used(const models::Family& family, std::vector<std::string> left_out,
                    ModelData& data) {
  const models::Weights weights(data.weights, data.source);
  Graph mainnet = models::build_graph(data.architecture, weights, default_input_shape(data));
  const std::vector<std::string> unused = weights.unused();
  left_out.insert(left_out.end(), unused.begin(), unused.end());
  judge_leftovers(family, left_out, data);
  for (const std::string& name : unused) data.weights.erase(name);
  return mainnet;
}

// The network's settings of those that the user gave.
models::Settings given_settings(const models::Family& family, const ImportOptions& options,
                                const std::string& file) {
  const auto known = family.settings();
  models::Settings settings;
  for (const auto& [name, value] : options.settings) {
    const auto found = known.find(name);
    if (found == known.end())
      throw Error(file + ": setting '" + name + "' is none of " + family.title());
    settings[found->second] = value;
  }
  return settings;
}

// Of settings that config.json has otherwise than the user.
void note_other_settings(const models::Settings& told, const models::Settings& given,
                         const JsonField& config, ModelData& data) {
  for (const auto& [name, value] : given) {
    const auto other = told.find(name);
    if (other != told.end() && other->second != value)
      data.notes.push_back(printable_line(config.file() + " says " + name + " '" + other->second +
                                          "'; read with '" + value + "', as asked"));
  }
}

// Of settings that were given: by a config.json, by names of tensors, or by the user.
void mark_sources(const models::Family& family, const models::Settings& of_names,
                  const ImportOptions& options, ModelData& data) {
  for (Assumption& assumption : data.architecture.assumptions) {
    std::string name = assumption.what;
    std::replace(name.begin(), name.end(), ' ', '_');
    if (of_names.contains(name)) assumption.source = AssumptionSource::weights;
    if (options.settings.contains(name) && family.settings().contains(name))
      assumption.source = AssumptionSource::option;
  }
}

void check_labels(const ImportOptions& options, ModelData& data) {
  const int classes = data.architecture.classes;
  if (classes > static_cast<int>(kMaxLabels)) {
    throw Error("labels: expected at most " + std::to_string(kMaxLabels) + ", the head of " +
                data.source + " has " + std::to_string(classes) + " classes");
  }
  AssumptionSource source =
      options.labels.empty() ? AssumptionSource::config : AssumptionSource::option;
  if (data.labels.empty()) {
    source = AssumptionSource::default_value;
    for (int i = 0; i < classes; ++i) data.labels.push_back(std::to_string(i));
  }
  if (data.classes() != classes) {
    throw Error("labels: expected " + std::to_string(classes) + " (the head of " + data.source +
                "), got " + std::to_string(data.classes()) +
                (options.labels.empty() ? " in the checkpoint itself; --labels gives others" : ""));
  }
  if (classes == 0) return;
  std::map<std::string, int> seen;
  for (const std::string& label : data.labels) {
    if (++seen[label] == 2)
      data.notes.push_back(printable_line("label '" + label +
                                          "' stands for several classes: "
                                          "data with that label will be refused"));
  }
  const std::string shown = data.labels.front() + (classes > 2 ? " … " : " ") + data.labels.back();
  data.assumptions.push_back({"labels", shown, source});
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
               const Checkpoint& checkpoint, const models::Settings& of_names,
               const ImportOptions& options, ModelData& data) {
  const models::Weights weights(data.weights, data.source);
  std::optional<JsonField> config;
  // One that was given for images is refused with their other options.
  if (!files.config.empty() && (family.takes_texts() || options.config.empty()))
    config = read_object(files.config);
  models::Settings settings = given_settings(family, options, data.source);
  settings.insert(of_names.begin(), of_names.end());
  if (config) {
    models::Settings told = family.read_config(*config, weights, settings);
    note_other_settings(told, settings, *config, data);
    settings.merge(told);
  }
  if (options.architecture.empty()) settings.merge(told_settings(family, checkpoint, config));
  data.architecture = models::recognise(weights, options.architecture, settings);
  family.check_checkpoint(data.architecture, data.source, config.has_value());
  check_names(checkpoint, config, options, data);
  mark_sources(family, of_names, options, data);
  data.assumptions = data.architecture.assumptions;
  data.labels = options.labels.empty() ? checkpoint.labels : options.labels;
  // A config.json names the one logit, not the two classes that are made of it.
  if (config && data.labels.empty() && !settings.contains("one_logit"))
    data.labels = read_config_labels(*config, data.architecture.classes);
  if (data.is_text()) {
    import_text(files, options, config, data);
  } else {
    import_image(read_image_files(files, config, options), options, data);
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
  choose_tensors(options, data);
  compute_derived_weights(data);
  models::CleanedNames names;
  const models::Family& family = clean_names(data, files, names);
  try {
    recognise(family, files, checkpoint, names.settings, options, data);
  } catch (const Error& error) {
    if (names.left_out.empty()) throw;
    throw Error(error.what() + ("; outside its prefix stand " + list_names(names.left_out)));
  }
  Graph mainnet =
      naming_file(data.source, [&] { return build_of_used(family, names.left_out, data); });
  check_labels(options, data);
  warn_of_non_finite(data);
  return make_model(std::move(data), std::move(mainnet));
}

}  // namespace

std::vector<std::string> Model::checkpoint_files(const std::string& path,
                                                 const ImportOptions& options) {
  const CheckpointFiles files = find_checkpoint_files(path, options);
  std::vector<std::string> found;
  if (is_checkpoint_index(files.weights)) found = checkpoint_shards(files.weights);
  for (const std::string& file :
       {files.weights, files.config, files.tokenizer_config, files.sentence_config,
        files.special_tokens_map, files.added_tokens, files.vocabulary,
        files.preprocessor_config}) {
    if (!file.empty()) found.push_back(file);
  }
  return found;
}

Model Model::import_checkpoint(const std::string& path, const ImportOptions& options) {
  return telling_memory(path, [&] { return import_model(path, options); });
}

}  // namespace sidenet
