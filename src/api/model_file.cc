#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "checkpoint.h"
#include "digest.h"
#include "document_field.h"
#include "model_data.h"
#include "row_digests.h"
#include "safetensors.h"
#include "sidenet/error.h"
#include "tokenizer_file.h"

// The model file: safetensors with tensors under their PyTorch names, and in __metadata__ (strings only, so JSON inside):
//   sidenet.version        "1"
//   sidenet.architecture   {"family": "resnet", "name": "resnet50", "settings": {…}}
//   sidenet.labels         ["airplane", …]
//   sidenet.exits          [{"name", "tap", "pool", "hidden", "temperature", "threshold"}, …]; pool: 2, or "cls+mean" for
//   texts; where it was calibrated "confidence_map": [[x, y], …]
//   sidenet.head           the same for `final`, where the encoder came without one
//   sidenet.final          {"temperature", "confidence_map"} of MainNet's own head, where that was calibrated
//   sidenet.certificate    the fields of Certificate
// images:
//   sidenet.preprocessing  {"mean": […], "std": […], "resize": 256, "crop": 224, "channels": 3}
// texts, where there is a vocabulary:
//   sidenet.vocabulary     ["[PAD]", …], the piece of each id
//   sidenet.tokenizer      the fields of TokenizerOptions, and "model_pieces": n, "added_tokens": [id, …] where they are
//   not what a
//                          plain vocabulary has: all its pieces, and its special tokens
namespace sidenet {
namespace {

using nlohmann::json;
constexpr const char* kVersion = "1";

std::vector<float> floats(const DocumentField& field, double low) {
  std::vector<float> values;
  for (const DocumentField& item : field.items()) values.push_back(static_cast<float>(item.number(low, 1e6)));
  return values;
}

void read_preprocessing(const DocumentField& field, Preprocessing& p) {
  p.mean = floats(field.at("mean"), -1e6);
  p.std = floats(field.at("std"), 1e-12);
  p.resize = field.at("resize").integer(0, 16384);
  p.crop = field.at("crop").integer(0, 16384);
  p.channels = field.at("channels").integer(1, 3);
}

json preprocessing_json(const Preprocessing& p) {
  return {{"mean", p.mean}, {"std", p.std}, {"resize", p.resize}, {"crop", p.crop}, {"channels", p.channels}};
}

void read_tokenizer(const std::string& path, const std::map<std::string, std::string>& metadata, ModelData& data) {
  if (!metadata.count("sidenet.vocabulary")) return;
  TokenizerContents contents;
  const DocumentField pieces(path, metadata, "sidenet.vocabulary");
  if (!pieces.value().is_array()) pieces.fail("an array");
  for (const json& piece : pieces.value()) {
    if (!piece.is_string()) pieces.fail("strings");
    contents.vocabulary.push_back(piece.get<std::string>());
  }
  const DocumentField field(path, metadata, "sidenet.tokenizer");
  TokenizerOptions& options = contents.options;
  options.clean_text = field.at("clean_text").boolean();
  options.chinese_characters = field.at("chinese_characters").boolean();
  if (field.has("strip_accents")) options.strip_accents = field.at("strip_accents").boolean();
  options.lower_case = field.at("lower_case").boolean();
  options.max_word_characters = field.at("max_word_characters").integer(1, 1 << 20);
  options.continuation = field.at("continuation").text();
  options.unknown = field.at("unknown").text();
  options.cls = field.at("cls").text();
  options.sep = field.at("sep").text();
  options.pad = field.at("pad").text();
  options.mask = field.at("mask").text();
  options.max_tokens = field.at("max_tokens").integer(4, 1 << 20);
  const std::string truncation = field.at("truncation").text();
  if (truncation != "longest_first" && truncation != "only_first")
    field.at("truncation").fail("longest_first or only_first");
  options.truncation = truncation == "only_first" ? Truncation::only_first : Truncation::longest_first;
  if (!field.has("added_tokens")) {
    set_tokenizer(data, Tokenizer(std::move(contents.vocabulary), options, path));
    return;
  }
  const int last = static_cast<int>(std::min(contents.vocabulary.size(), kMaxPieces)) - 1;
  for (const DocumentField& item : field.at("added_tokens").items()) {
    const int id = item.integer(0, last);
    contents.added.push_back({contents.vocabulary[static_cast<std::size_t>(id)], id});
  }
  contents.model_pieces = static_cast<std::size_t>(field.at("model_pieces").integer(1, last + 1));
  set_tokenizer(data, make_tokenizer(std::move(contents), path));
}

bool is_plain(const TokenizerContents& contents) {
  const auto plain = contents_of_vocabulary(contents.vocabulary, contents.options, "");
  const auto same = [](const AddedToken& a, const AddedToken& b) { return a.id == b.id; };
  return contents.model_pieces == plain.model_pieces &&
         std::is_permutation(contents.added.begin(), contents.added.end(), plain.added.begin(), plain.added.end(), same);
}

void write_tokenizer(const Tokenizer& tokenizer, std::map<std::string, std::string>& metadata) {
  const TokenizerContents& contents = contents_of(tokenizer);
  const TokenizerOptions& options = contents.options;
  json fields = {{"clean_text", options.clean_text},
                 {"chinese_characters", options.chinese_characters},
                 {"strip_accents", options.strip_accents ? json(*options.strip_accents) : json()},
                 {"lower_case", options.lower_case},
                 {"max_word_characters", options.max_word_characters},
                 {"continuation", options.continuation},
                 {"unknown", options.unknown},
                 {"cls", options.cls},
                 {"sep", options.sep},
                 {"pad", options.pad},
                 {"mask", options.mask},
                 {"max_tokens", options.max_tokens},
                 {"truncation", options.truncation == Truncation::only_first ? "only_first" : "longest_first"}};
  if (!is_plain(contents)) {
    fields["model_pieces"] = contents.model_pieces;
    fields["added_tokens"] = json::array();
    for (const AddedToken& token : contents.added) fields["added_tokens"].push_back(token.id);
  }
  metadata["sidenet.tokenizer"] = fields.dump(-1, ' ', false, json::error_handler_t::replace);
  metadata["sidenet.vocabulary"] = json(tokenizer.vocabulary()).dump(-1, ' ', false, json::error_handler_t::replace);
}

ConfidenceMap read_map(const DocumentField& field) {
  if (!field.has("confidence_map")) return {};
  const DocumentField knots = field.at("confidence_map");
  std::vector<float> x, y;
  for (const DocumentField& knot : knots.items()) {
    const std::vector<DocumentField> pair = knot.items();
    if (pair.size() != 2) knot.fail("two numbers");
    x.push_back(static_cast<float>(pair[0].number(0, 1)));
    y.push_back(static_cast<float>(pair[1].number(0, 1)));
  }
  try {
    return {std::move(x), std::move(y)};
  } catch (const Error& error) {
    knots.fail(error.what());
  }
}

json map_json(const ConfidenceMap& map) {
  json knots = json::array();
  for (std::size_t i = 0; i < map.x().size(); ++i) knots.push_back({map.x()[i], map.y()[i]});
  return knots;
}

ExitSpec read_exit(const DocumentField& field, bool is_text) {
  ExitSpec spec;
  spec.name = field.at("name").text();
  spec.tap = field.at("tap").text();
  if (is_text) {
    const std::string pool = field.at("pool").text();
    if (pool != "cls" && pool != "mean" && pool != "cls+mean") field.at("pool").fail("cls, mean or cls+mean");
    spec.pooling.tokens = nodes::token_pooling_of(pool);
  } else {
    spec.pooling.grid = field.at("pool").integer(1, 1024);
  }
  spec.hidden = field.at("hidden").integer(1, 1 << 20);
  spec.temperature = field.at("temperature").number(1e-6, 1e6);
  spec.threshold = field.at("threshold").number(0, 1e6);
  spec.map = read_map(field);
  return spec;
}

json exit_json(const ExitSpec& exit, bool is_text) {
  json fields = {{"name", exit.name},
                 {"tap", exit.tap},
                 {"pool", is_text ? json(nodes::token_pooling_name(exit.pooling.tokens)) : json(exit.pooling.grid)},
                 {"hidden", exit.hidden},
                 {"temperature", exit.temperature},
                 {"threshold", exit.threshold}};
  if (!exit.map.identity()) fields["confidence_map"] = map_json(exit.map);
  return fields;
}

Certificate read_certificate(const DocumentField& field) {
  Certificate certificate;
  certificate.risk = field.at("risk").text();
  if (certificate.risk != "drop" && certificate.risk != "disagreement" && certificate.risk != "exit-error")
    field.at("risk").fail("drop, disagreement or exit-error");
  certificate.epsilon = field.at("epsilon").number(0, 1);
  certificate.delta = field.at("delta").number(0, 1);
  certificate.method = field.at("method").text();
  certificate.rows = static_cast<std::int64_t>(field.at("rows").number(1, 1e15));
  certificate.bound = field.at("bound").number(-1, 1);
  certificate.disagreement_bound = field.at("disagreement_bound").number(0, 1);
  certificate.accuracy = field.at("accuracy").number(0, 1);
  certificate.mainnet_accuracy = field.at("mainnet_accuracy").number(0, 1);
  certificate.compute = field.at("compute").number(0, 1e6);
  for (const auto& [name, threshold] : field.at("thresholds").members())
    certificate.thresholds[name] = threshold.number(0, 1e6);
  certificate.precision = field.at("precision").text();
  certificate.winograd = field.at("winograd").boolean();
  certificate.digest = field.at("digest").text();
  return certificate;
}

json certificate_json(const Certificate& certificate) {
  return {{"risk", certificate.risk},
          {"epsilon", certificate.epsilon},
          {"delta", certificate.delta},
          {"method", certificate.method},
          {"rows", certificate.rows},
          {"bound", certificate.bound},
          {"disagreement_bound", certificate.disagreement_bound},
          {"accuracy", certificate.accuracy},
          {"mainnet_accuracy", certificate.mainnet_accuracy},
          {"compute", certificate.compute},
          {"thresholds", certificate.thresholds},
          {"precision", certificate.precision},
          {"winograd", certificate.winograd},
          {"digest", certificate.digest}};
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

void read_architecture(const std::string& path, const std::map<std::string, std::string>& metadata, ModelData& data) {
  const DocumentField field(path, metadata, "sidenet.architecture");
  std::map<std::string, std::string> settings;
  if (field.has("settings")) {
    for (const auto& [key, value] : field.at("settings").members()) settings[key] = value.text();
  }
  data.architecture = models::recognise(models::Weights(data.weights, path), field.at("name").text(), settings);
}

void read_exits(const std::string& path, const std::map<std::string, std::string>& metadata, ModelData& data) {
  std::set<std::string> names;
  for (const DocumentField& field : DocumentField(path, metadata, "sidenet.exits").items()) {
    ExitSpec spec = read_exit(field, data.is_text());
    if (spec.name.empty() || spec.name == "final" || !names.insert(spec.name).second) {
      throw Error(path + ": metadata 'sidenet.exits': '" + spec.name + "' is no name for an exit, or stands twice");
    }
    data.exits.push_back(std::move(spec));
  }
  if (metadata.count("sidenet.final")) {
    const DocumentField field(path, metadata, "sidenet.final");
    data.final_temperature = field.at("temperature").number(1e-6, 1e6);
    data.final_map = read_map(field);
  }
  if (metadata.count("sidenet.certificate"))
    data.certificate = read_certificate(DocumentField(path, metadata, "sidenet.certificate"));
  if (!metadata.count("sidenet.head")) return;
  if (data.architecture.classes > 0) throw Error(path + ": metadata 'sidenet.head': the MainNet has a head of its own");
  data.head = read_exit(DocumentField(path, metadata, "sidenet.head"), data.is_text());
  data.head->name = "final";
}

void check_label_count(const ModelData& data) {
  if (data.architecture.classes > 0 && data.classes() != data.architecture.classes) {
    throw Error(data.source + ": metadata 'sidenet.labels': expected " + std::to_string(data.architecture.classes) +
                " labels (the head), got " + std::to_string(data.classes()));
  }
}

void check_image_channels(const ModelData& data) {
  const int channels = static_cast<int>(data.architecture.input_shape[0]);
  if (data.preprocessing.channels != channels) {
    throw Error(data.source + ": metadata 'sidenet.preprocessing'.channels: expected " + std::to_string(channels) +
                ", got " + std::to_string(data.preprocessing.channels));
  }
}

// All but the certificate, which is about the rest.
std::map<std::string, std::string> metadata_of(const ModelData& data) {
  json exits = json::array();
  for (const ExitSpec& exit : data.exits) exits.push_back(exit_json(exit, data.is_text()));
  json architecture = {{"family", data.architecture.family}, {"name", data.architecture.name}};
  if (!data.architecture.settings.empty()) architecture["settings"] = data.architecture.settings;
  std::map<std::string, std::string> metadata = {{"format", "pt"},
                                                 {"sidenet.version", kVersion},
                                                 {"sidenet.architecture", dump(architecture)},
                                                 {"sidenet.labels", dump(data.labels)},
                                                 {"sidenet.exits", dump(exits)}};
  if (!data.is_text()) metadata["sidenet.preprocessing"] = preprocessing_json(data.preprocessing).dump();
  if (data.tokenizer) write_tokenizer(*data.tokenizer, metadata);
  if (data.head) metadata["sidenet.head"] = dump(exit_json(*data.head, data.is_text()));
  if (data.final_temperature != 1 || !data.final_map.identity()) {
    json final = {{"temperature", data.final_temperature}};
    if (!data.final_map.identity()) final["confidence_map"] = map_json(data.final_map);
    metadata["sidenet.final"] = dump(final);
  }
  return metadata;
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
  read_architecture(path, file.metadata, data);
  for (const DocumentField& label : DocumentField(path, file.metadata, "sidenet.labels").items())
    data.labels.push_back(label.text());
  check_label_count(data);
  if (data.is_text()) {
    read_tokenizer(path, file.metadata, data);
  } else {
    read_preprocessing(DocumentField(path, file.metadata, "sidenet.preprocessing"), data.preprocessing);
    check_image_channels(data);
  }
  read_exits(path, file.metadata, data);
  if (data.has_final() && data.labels.empty())
    throw Error(path + ": metadata 'sidenet.labels': expected at least one label");
  return make_model(std::move(data));
}

void Model::save(const std::string& path) const {
  std::map<std::string, std::string> metadata = metadata_of(*data_);
  if (data_->certificate) metadata["sidenet.certificate"] = dump(certificate_json(*data_->certificate));
  write_safetensors(path, data_->weights, metadata);
}

std::string answers_digest(const ModelData& data) {
  Digest digest;
  for (const auto& [key, value] : metadata_of(data)) digest.add(key).add(value);
  for (const auto& [name, tensor] : data.weights) {
    if (name == kTrainingRows) continue;
    digest.add(name)
        .add(dtype_name(tensor.dtype()))
        .add(to_string(tensor.shape()))
        .add(std::span(tensor.raw(), tensor.bytes()));
  }
  return digest.hex();
}

}  // namespace sidenet
