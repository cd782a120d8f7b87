#include "evidence.h"

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

// Whether an argument of the network is as its family computes; "" where it says nothing.
bool is_usual(const std::string& key, const std::string& value) {
  const auto is = [&](const char* name) { return key.ends_with(std::string(".") + name); };
  if (value.empty()) return true;
  if (is("gp") || is("global_pool")) return value == "avg";
  if (is("output_stride")) return value == "32";
  if (is("act_layer")) return value == "relu" || value == "ReLU";
  if (is("bn_eps")) return value == "1e-05";
  if (is("avg_down")) return value == "false";
  return !is("aa_layer") && !is("stem_type");
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

std::string last_of(const std::string& key) { return key.substr(key.rfind('.') + 1); }

}  // namespace

models::Settings told_settings(const models::Family& family, const Checkpoint& checkpoint,
                               const std::optional<JsonField>& config) {
  models::Settings settings;
  for (const auto& [place, name] : evidence_of(checkpoint, config, family.takes_texts()))
    settings.merge(family.settings_told("name", name));
  for (const auto& [key, value] : checkpoint.metadata) {
    if (last_of(key) != "name") settings.merge(family.settings_told(last_of(key), value));
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
  if (!data.is_text() && options.architecture.empty()) {
    for (const auto& [key, value] : checkpoint.metadata) {
      if (is_usual(key, value) ||
          !data.architecture.family->settings_told(last_of(key), value).empty())
        continue;
      throw Error(data.source + ": '" + key + "' says '" + value + "', which a " +
                  data.architecture.name + " is not read with; --arch " + data.architecture.name +
                  " reads it so all the same");
    }
  }
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
