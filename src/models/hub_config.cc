#include "hub_config.h"

#include "foreign_names.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

void expect_integer(const JsonField& field, std::int64_t size) {
  if (field.integer(0, 1 << 30) != size) field.refuse(std::to_string(size) + ", the weights' own");
}

// Channels that the last block of a stage gives.
std::int64_t channels_of(const ResNetConfig& found, const Weights& weights, std::size_t stage) {
  const std::string block =
      "layer" + std::to_string(stage + 1) + "." + std::to_string(found.blocks[stage] - 1);
  return weights.get_rank(block + (found.bottleneck ? ".conv3.weight" : ".conv2.weight"), 4).dim(0);
}

void check_stages(const JsonField& config, const ResNetConfig& found, const Weights& weights) {
  for (const char* key : {"depths", "hidden_sizes"}) {
    if (!config.has(key)) continue;
    const auto items = config.at(key).items();
    if (items.size() != found.blocks.size())
      config.at(key).refuse(std::to_string(found.blocks.size()) + " stages, the weights' own");
    for (std::size_t s = 0; s < items.size(); ++s)
      expect_integer(items[s], key == std::string("depths") ? found.blocks[s]
                                                            : channels_of(found, weights, s));
  }
}

void check_sizes(const JsonField& config, const ResNetConfig& found, const Weights& weights) {
  if (config.has("embedding_size"))
    expect_integer(config.at("embedding_size"), found.stem_channels);
  if (config.has("num_channels")) expect_integer(config.at("num_channels"), found.in_channels);
  check_stages(config, found, weights);
  if (!config.has("layer_type")) return;
  const char* type = found.bottleneck ? "bottleneck" : "basic";
  if (config.at("layer_type").string() != type)
    config.at("layer_type").refuse(std::string(type) + ", the weights' own");
}

bool flag(const JsonField& config, const char* key) {
  return config.has(key) && config.at(key).boolean();
}

void check_classes(const JsonField& config) {
  if (!config.has("architectures")) return;
  for (const JsonField& name : config.at("architectures").items()) {
    if (name.string() != "ResNetForImageClassification")
      name.refuse("ResNetForImageClassification, which has a head");
  }
}

}  // namespace

Settings read_resnet_config(const JsonField& config, const Weights& weights,
                            const Settings& given) {
  if (!config.has("model_type")) return {};
  refuse_quantised(config);
  refuse_own_code(config);
  refuse_other_problems(config);
  if (config.at("model_type").string() != "resnet") return {};
  check_classes(config);
  Settings settings;
  const auto found = recognise_resnet(weights, given);
  if (!found) return settings;
  check_sizes(config, *found, weights);
  if (found->shortcut.empty())
    throw Error(weights.file() +
                ": no tensor 'layer2.0.downsample.0.weight', which transformers' "
                "networks have where a stage changes channels");
  // transformers computes the inner layers of blocks with ReLU whatever is said.
  if (config.has("hidden_act") && config.at("hidden_act").string() != "relu")
    config.at("hidden_act").refuse("relu");
  settings["activation"] = "relu";
  std::string strides = flag(config, "downsample_in_first_stage") ? "2" : "1";
  for (std::size_t s = 1; s < found->blocks.size(); ++s) strides += ",2";
  settings["strides"] = strides;
  settings["stem_stride"] = "2";
  settings["stem_padding"] = "3";
  settings["stem_pool"] = "max";
  if (found->bottleneck)
    settings["bottleneck_stride"] = flag(config, "downsample_in_bottleneck") ? "1x1" : "3x3";
  settings["epsilon"] = "1e-05";
  return settings;
}

void refuse_other_problems(const JsonField& config) {
  if (config.has("problem_type") &&
      config.at("problem_type").string() != "single_label_classification")
    config.at("problem_type")
        .refuse("single_label_classification (labels by sigmoid and regressions are not read)");
}

void refuse_own_code(const JsonField& config) {
  if (!config.has("auto_map")) return;
  for (const auto& [key, value] : config.at("auto_map").members()) {
    if (key.starts_with("AutoModel")) value.refuse("a network without Python code of its own");
  }
}

}  // namespace sidenet::models
