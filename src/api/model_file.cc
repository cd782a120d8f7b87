#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "checkpoint.h"
#include "model_data.h"
#include "safetensors.h"
#include "sidenet/error.h"

// The model file: safetensors with tensors under their PyTorch names, and in __metadata__ (strings only, so JSON inside):
//   sidenet.version        "1"
//   sidenet.architecture   {"family": "resnet", "name": "resnet50"}
//   sidenet.labels         ["airplane", …]
//   sidenet.preprocessing  {"mean": […], "std": […], "resize": 256, "crop": 224, "channels": 3}
//   sidenet.exits          [{"name", "tap", "pool", "hidden", "temperature", "threshold"}, …]
namespace sidenet {
namespace {

using nlohmann::json;
constexpr const char* kVersion = "1";

// One metadata field, with errors that name file and field.
class Field {
 public:
  Field(const std::string& file, const std::map<std::string, std::string>& metadata, const std::string& key)
      : place_(file + ": metadata '" + key + "'") {
    const auto found = metadata.find(key);
    if (found == metadata.end()) throw Error(place_ + " is missing");
    value_ = json::parse(found->second, nullptr, false);
    if (value_.is_discarded()) throw Error(place_ + " is not valid JSON");
  }
  Field(std::string place, json value) : place_(std::move(place)), value_(std::move(value)) {}

  std::vector<Field> items() const {
    if (!value_.is_array()) fail("an array");
    std::vector<Field> result;
    for (std::size_t i = 0; i < value_.size(); ++i) result.emplace_back(place_ + "[" + std::to_string(i) + "]", value_[i]);
    return result;
  }
  Field at(const char* key) const {
    if (!value_.is_object() || !value_.contains(key)) fail((std::string("an object with '") + key + "'").c_str());
    return {place_ + "." + key, value_[key]};
  }
  std::string text() const {
    if (!value_.is_string()) fail("a string");
    return value_.get<std::string>();
  }
  double number(double low, double high) const {
    if (!value_.is_number()) fail("a number");
    const double number = value_.get<double>();
    if (!(number >= low && number <= high))
      fail(("a number from " + json(low).dump() + " to " + json(high).dump()).c_str());
    return number;
  }
  int integer(int low, int high) const {
    if (!value_.is_number_integer()) fail("an integer");
    return static_cast<int>(number(low, high));
  }

 private:
  [[noreturn]] void fail(const char* expected) const {
    std::string got = value_.dump(-1, ' ', false, json::error_handler_t::replace);
    if (got.size() > 60) got = got.substr(0, 57) + "...";
    throw Error(place_ + ": expected " + expected + ", got " + got);
  }
  std::string place_;
  json value_;
};

std::vector<float> floats(const Field& field, double low) {
  std::vector<float> values;
  for (const Field& item : field.items()) values.push_back(static_cast<float>(item.number(low, 1e6)));
  return values;
}

void read_preprocessing(const Field& field, Preprocessing& p) {
  p.mean = floats(field.at("mean"), -1e6);
  p.std = floats(field.at("std"), 1e-12);
  p.resize = field.at("resize").integer(0, 16384);
  p.crop = field.at("crop").integer(0, 16384);
  p.channels = field.at("channels").integer(1, 3);
}

json preprocessing_json(const Preprocessing& p) {
  return {{"mean", p.mean}, {"std", p.std}, {"resize", p.resize}, {"crop", p.crop}, {"channels", p.channels}};
}

}  // namespace

Model Model::load(const std::string& path) {
  Checkpoint file = read_checkpoint(path);
  const auto version = file.metadata.find("sidenet.version");
  if (version == file.metadata.end()) {
    throw Error(path + ": expected a SideNet model, found a " + file.format +
                " checkpoint (make a model of it with `sidenet import`)");
  }
  if (version->second != kVersion)
    throw Error(path + ": metadata 'sidenet.version': expected " + kVersion + ", got " + version->second);
  ModelData data;
  data.source = path;
  data.weights = std::move(file.tensors);
  const Field architecture(path, file.metadata, "sidenet.architecture");
  data.architecture = models::recognise(models::Weights(data.weights, path), architecture.at("name").text());
  for (const Field& label : Field(path, file.metadata, "sidenet.labels").items()) data.labels.push_back(label.text());
  if (data.classes() != data.architecture.classes) {
    throw Error(path + ": metadata 'sidenet.labels': expected " + std::to_string(data.architecture.classes) +
                " labels (the head), got " + std::to_string(data.classes()));
  }
  read_preprocessing(Field(path, file.metadata, "sidenet.preprocessing"), data.preprocessing);
  const int channels = static_cast<int>(data.architecture.input_shape[0]);
  if (data.preprocessing.channels != channels) {
    throw Error(path + ": metadata 'sidenet.preprocessing'.channels: expected " + std::to_string(channels) + ", got " +
                std::to_string(data.preprocessing.channels));
  }
  std::set<std::string> names;
  for (const Field& exit : Field(path, file.metadata, "sidenet.exits").items()) {
    ExitSpec spec;
    spec.name = exit.at("name").text();
    spec.tap = exit.at("tap").text();
    spec.pool = exit.at("pool").integer(1, 1024);
    spec.hidden = exit.at("hidden").integer(1, 1 << 20);
    spec.temperature = exit.at("temperature").number(1e-6, 1e6);
    spec.threshold = exit.at("threshold").number(0, 1e6);
    if (spec.name.empty() || spec.name == "final" || !names.insert(spec.name).second) {
      throw Error(path + ": metadata 'sidenet.exits': '" + spec.name + "' is no name for an exit, or stands twice");
    }
    data.exits.push_back(std::move(spec));
  }
  return make_model(std::move(data));
}

void Model::save(const std::string& path) const {
  const ModelData& data = *data_;
  json exits = json::array();
  for (const ExitSpec& exit : data.exits) {
    exits.push_back({{"name", exit.name},
                     {"tap", exit.tap},
                     {"pool", exit.pool},
                     {"hidden", exit.hidden},
                     {"temperature", exit.temperature},
                     {"threshold", exit.threshold}});
  }
  write_safetensors(
      path, data.weights,
      {{"format", "pt"},
       {"sidenet.version", kVersion},
       {"sidenet.architecture", json{{"family", data.architecture.family}, {"name", data.architecture.name}}.dump()},
       {"sidenet.labels", json(data.labels).dump(-1, ' ', false, json::error_handler_t::replace)},
       {"sidenet.preprocessing", preprocessing_json(data.preprocessing).dump()},
       {"sidenet.exits", exits.dump()}});
}

}  // namespace sidenet
