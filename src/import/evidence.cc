#include "evidence.h"

#include <algorithm>
#include <array>

#include "family.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

struct Evidence {
  std::string place, name;
};

// Keys of a checkpoint or a configuration in it that name the network.
bool names_network(const std::string& key) {
  constexpr std::array kNames{
      "arch",    "architecture", "model",    "model_name", "model_type", "backbone",     "net",
      "network", "encoder",      "net_type", "model.name", "model.type", "backbone.type"};
  for (const std::string name : kNames) {
    if (key == name || key.ends_with("." + name)) return true;
  }
  return false;
}

/// What a network was made with, as the checkpoint or its config.json says.
struct Argument {
  std::string place, key, value;
};

// Arguments of timm's and others' networks, and the settings that tell the same.
constexpr std::array<std::array<const char*, 2>, 7> kSettingOf{{{"gp", "head_pool"},
                                                                {"global_pool", "head_pool"},
                                                                {"output_stride", "output_stride"},
                                                                {"act_layer", "activation"},
                                                                {"activation", "activation"},
                                                                {"aa_layer", "antialias"},
                                                                {"bn_eps", "epsilon"}}};

const char* setting_of(const std::string& key) {
  for (const auto& [argument, setting] : kSettingOf) {
    if (key == argument) return setting;
  }
  return nullptr;
}

std::string last_of(const std::string& key) { return key.substr(key.rfind('.') + 1); }

// A number or a text; others as JSON has them.
std::string value_text(const JsonField& field) {
  return field.is_string() ? field.string() : field.dump();
}

std::vector<Argument> arguments_of(const Checkpoint& checkpoint,
                                   const std::optional<JsonField>& config, bool is_text) {
  std::vector<Argument> arguments;
  for (const auto& [key, value] : checkpoint.metadata)
    arguments.push_back({"'" + printable_line(key) + "'", last_of(key), value});
  if (is_text || !config) return arguments;
  if (config->has("global_pool"))
    arguments.push_back(
        {config->file() + ": 'global_pool'", "global_pool", value_text(config->at("global_pool"))});
  if (!config->has("model_args")) return arguments;
  for (const auto& [key, field] : config->at("model_args").members()) {
    const std::string value = value_text(field);
    if (value != "null")
      arguments.push_back(
          {config->file() + ": 'model_args." + printable_line(key) + "'", key, value});
  }
  return arguments;
}

// Whether an argument is as the network computes that was recognised, or changes no answer.
bool is_usual(const Argument& argument, const models::Architecture& network) {
  const std::string &key = argument.key, &value = argument.value;
  if (value.empty()) return true;
  if (key == "gp" || key == "global_pool") return value == "avg";
  if (key == "output_stride") return value == "32";
  if (key == "act_layer" || key == "activation") return value == "relu" || value == "ReLU";
  if (key == "bn_eps") return value == "1e-05";
  if (key == "avg_down") return value == "false";
  const bool is_of_config = argument.place.find("'model_args.") != std::string::npos;
  if (!is_of_config) return key != "aa_layer" && key != "stem_type";
  if (key == "num_classes") return value == std::to_string(network.classes);
  if (key == "in_chans") return value == std::to_string(network.input_shape[0]);
  constexpr std::array kOfTraining{"drop_rate",  "drop_path_rate", "drop_block_rate",
                                   "pretrained", "scriptable",     "exportable",
                                   "no_jit",     "checkpoint_path"};
  return std::find(kOfTraining.begin(), kOfTraining.end(), key) != kOfTraining.end();
}

std::vector<Evidence> evidence_of(const Checkpoint& checkpoint,
                                  const std::optional<JsonField>& config, bool is_text) {
  std::vector<Evidence> evidence;
  for (const auto& [key, value] : checkpoint.metadata) {
    if (names_network(key)) evidence.push_back({"'" + printable_line(key) + "'", value});
  }
  if (is_text || !config) return evidence;  // a text's is read whole elsewhere
  for (const char* key : {"architecture", "model_name", "model_type"}) {
    if (config->has(key))
      evidence.push_back({config->file() + ": '" + key + "'", config->at(key).string()});
  }
  return evidence;
}

// An argument that the network which was recognised does not have, unless a setting tells
// otherwise.
void check_arguments(const Checkpoint& checkpoint, const std::optional<JsonField>& config,
                     const ImportOptions& options, ModelData& data) {
  const models::Architecture& network = data.architecture;
  for (const Argument& argument : arguments_of(checkpoint, config, false)) {
    if (is_usual(argument, network)) continue;
    const std::string said = argument.place + " says '" + printable_line(argument.value) + "'";
    const char* setting = setting_of(argument.key);
    const models::Settings told = network.family->settings_told(argument.key, argument.value);
    if (setting != nullptr && options.settings.contains(setting)) {
      const std::string& asked = options.settings.at(setting);
      if (told != models::Settings{{setting, asked}})
        data.notes.push_back(said + "; read with " + asked + ", as asked");
      continue;
    }
    if (!told.empty()) continue;
    std::string option =
        setting == nullptr ? "--arch " + network.name : "--" + std::string(setting);
    std::replace(option.begin(), option.end(), '_', '-');
    throw Error((argument.place.starts_with("'") ? data.source + ": " : "") + said + ", which a " +
                network.name + " is not read with; " +
                (setting == nullptr ? option + " reads it so all the same"
                                    : option + " says how to read it"));
  }
}

}  // namespace

models::Settings told_settings(const models::Family& family, const Checkpoint& checkpoint,
                               const std::optional<JsonField>& config) {
  models::Settings settings;
  for (const auto& [place, name] : evidence_of(checkpoint, config, family.takes_texts()))
    settings.merge(family.settings_told("name", name));
  for (const auto& [place, key, value] : arguments_of(checkpoint, config, family.takes_texts())) {
    if (key != "name") settings.merge(family.settings_told(key, value));
  }
  return settings;
}

void check_names(const Checkpoint& checkpoint, const std::optional<JsonField>& config,
                 const ImportOptions& options, ModelData& data) {
  for (const auto& [key, value] : checkpoint.metadata) {
    const bool is_of_labels = value.starts_with("left aside: ") && options.labels.empty();
    if (is_of_labels || value.starts_with("passed over: "))
      data.notes.push_back(printable_line(key + " is " + value));
  }
  if (!data.is_text() && options.architecture.empty())
    check_arguments(checkpoint, config, options, data);
  for (const auto& [place, name] : evidence_of(checkpoint, config, data.is_text())) {
    const std::string other = data.architecture.family->other_network(name, data.architecture);
    if (other.empty()) continue;
    const std::string said = place + " says '" + other + "'";
    if (!options.architecture.empty()) {
      data.notes.push_back(
          printable_line(said + "; read as a " + data.architecture.name + ", as asked"));
      continue;
    }
    throw Error(data.source + ": " + said + ", and its tensors are read as a " +
                data.architecture.name + ", which answers otherwise; --arch " +
                data.architecture.name + " reads it so all the same");
  }
}

std::string told_by_config(const CheckpointFiles& files) {
  if (files.config.empty()) return "";
  const JsonField config = read_object(files.config);
  for (const char* key : {"model_type", "architecture"}) {
    if (config.has(key))
      return " (config.json: " + std::string(key) + " '" + config.at(key).string() + "')";
  }
  return "";
}

}  // namespace sidenet
