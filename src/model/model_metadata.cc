#include "model_metadata.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "data_labels.h"
#include "family.h"
#include "json_field.h"
#include "preprocessing_json.h"
#include "sidenet/error.h"
#include "string_list.h"
#include "tokenizer_file.h"
#include "tokenizer_metadata.h"

namespace sidenet {
namespace {

using nlohmann::json;
using Metadata = ModelMetadata;

JsonName name_of(const std::string& path, const char* key) {
  return {path, "metadata '" + std::string(key) + "'"};
}

// The text of a field. Throws Error where it is missing.
const std::string& text_of(const std::string& path, const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end())
    throw Error(name_of(path, key).place("") + "expected a text, got none");
  return found->second;
}

JsonField field_of(const std::string& path, const Metadata& metadata, const char* key) {
  return JsonField::parse(text_of(path, metadata, key), name_of(path, key));
}

std::vector<std::string> strings_of(const std::string& path, const Metadata& metadata,
                                    const char* key, std::size_t most) {
  return read_string_list(text_of(path, metadata, key), most, name_of(path, key));
}

void read_tokenizer(const std::string& path, Metadata& metadata, ModelData& data) {
  if (!metadata.count("sidenet.vocabulary")) return;
  std::vector<std::string> vocabulary =
      strings_of(path, metadata, "sidenet.vocabulary", kMaxPieces);
  metadata.erase("sidenet.vocabulary");  // large, and read
  const JsonField field = field_of(path, metadata, "sidenet.tokenizer");
  set_tokenizer(data, tokenizer_of_fields(field, std::move(vocabulary), path));
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Piece by piece: a vocabulary takes many times its memory as JSON values.
std::string dump_list(const std::vector<std::string>& strings) {
  std::string text = "[";
  for (const std::string& each : strings) text += (text.size() == 1 ? "" : ",") + dump(each);
  return text + "]";
}

void write_tokenizer(const Tokenizer& tokenizer, Metadata& metadata) {
  metadata["sidenet.tokenizer"] = dump(tokenizer_fields(tokenizer));
  metadata["sidenet.vocabulary"] = dump_list(tokenizer.vocabulary());
}

ConfidenceMap read_map(const JsonField& field) {
  if (!field.has("confidence_map")) return {};
  const JsonField knots = field.at("confidence_map");
  std::vector<float> x, y;
  for (const JsonField& knot : knots.items()) {
    const std::vector<JsonField> pair = knot.items();
    if (pair.size() != 2) knot.refuse("two numbers");
    x.push_back(static_cast<float>(pair[0].number(0, 1)));
    y.push_back(static_cast<float>(pair[1].number(0, 1)));
  }
  try {
    return {std::move(x), std::move(y)};
  } catch (const Error& error) {
    knots.refuse(error.what());
  }
}

json map_json(const ConfidenceMap& map) {
  json knots = json::array();
  for (std::size_t i = 0; i < map.x().size(); ++i) knots.push_back({map.x()[i], map.y()[i]});
  return knots;
}

ExitSpec read_exit(const JsonField& field, bool is_text) {
  ExitSpec spec;
  spec.name = field.at("name").string();
  spec.tap = field.at("tap").string();
  if (is_text) {
    spec.pooling.tokens = read_named<TokenPooling>(field.at("pool"));
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
                 {"pool", is_text ? json(name_of(exit.pooling.tokens)) : json(exit.pooling.grid)},
                 {"hidden", exit.hidden},
                 {"temperature", exit.temperature},
                 {"threshold", exit.threshold}};
  if (!exit.map.identity()) fields["confidence_map"] = map_json(exit.map);
  return fields;
}

std::int64_t count(const JsonField& field, int least) {
  return field.large_integer(least, 1'000'000'000'000'000);
}

Certificate read_certificate(const JsonField& field) {
  Certificate certificate;
  certificate.risk = read_named<Risk>(field.at("risk"));
  certificate.epsilon = field.at("epsilon").number(0, 1);
  certificate.delta = field.at("delta").number(0, 1);
  certificate.method = field.at("method").string();
  certificate.rows = count(field.at("rows"), 1);
  certificate.bound = field.at("bound").number(-1, 1);
  certificate.disagreement_bound = field.at("disagreement_bound").number(0, 1);
  certificate.accuracy = field.at("accuracy").number(0, 1);
  certificate.mainnet_accuracy = field.at("mainnet_accuracy").number(0, 1);
  certificate.compute = field.at("compute").number(0, 1e6);
  for (const auto& [name, threshold] : field.at("thresholds").members())
    certificate.thresholds[name] = threshold.number(0, 1e6);
  certificate.precision = field.at("precision").string();
  certificate.winograd = field.at("winograd").boolean();
  if (field.has("kernels")) certificate.kernels = read_named<Kernels>(field.at("kernels"));
  if (field.has("jpeg_decoder"))
    certificate.jpeg_decoder = read_named<JpegDecoder>(field.at("jpeg_decoder"));
  certificate.digest = field.at("digest").string();
  certificate.version = field.has("version") ? field.at("version").integer(1, 1 << 20) : 1;
  if (certificate.version < Certificate::kVersion) return certificate;
  certificate.unlabelled_rows = count(field.at("unlabelled_rows"), 0);
  certificate.fitted_rows = count(field.at("fitted_rows"), 0);
  for (const JsonField& item : field.at("classes").items()) {
    certificate.classes.push_back(
        {item.at("label").string(), count(item.at("rows"), 1), item.at("bound").number(-1, 1)});
  }
  certificate.distinct = field.at("distinct").boolean();
  certificate.training_rows_known = field.at("training_rows_known").boolean();
  const std::string seed = field.at("seed").string();
  const char* end = seed.data() + seed.size();
  if (seed.empty() || std::from_chars(seed.data(), end, certificate.seed).ptr != end)
    field.at("seed").refuse("a number as text");
  certificate.data = field.at("data").string();
  certificate.look = field.at("look").integer(1, 1 << 20);
  certificate.looks_kept = field.at("looks_kept").boolean();
  certificate.look_delta = field.at("look_delta").number(0, 1);
  return certificate;
}

json certificate_json(const Certificate& certificate) {
  json fields = {{"risk", name_of(certificate.risk)},
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
  // Left out, `auto` leaves the bytes of older files, and their digests, as they are.
  if (certificate.kernels != Kernels::automatic) fields["kernels"] = name_of(certificate.kernels);
  if (certificate.jpeg_decoder) fields["jpeg_decoder"] = name_of(*certificate.jpeg_decoder);
  if (certificate.version < Certificate::kVersion) return fields;  // as it was written
  json classes = json::array();
  for (const Certificate::ClassPromise& of : certificate.classes)
    classes.push_back({{"label", of.label}, {"rows", of.rows}, {"bound", of.bound}});
  fields.update({{"version", certificate.version},
                 {"unlabelled_rows", certificate.unlabelled_rows},
                 {"fitted_rows", certificate.fitted_rows},
                 {"classes", classes},
                 {"distinct", certificate.distinct},
                 {"training_rows_known", certificate.training_rows_known},
                 {"seed", std::to_string(certificate.seed)},
                 {"data", certificate.data},
                 {"look", certificate.look},
                 {"looks_kept", certificate.looks_kept},
                 {"look_delta", certificate.look_delta}});
  return fields;
}

void read_architecture(const std::string& path, const Metadata& metadata, ModelData& data) {
  const JsonField field = field_of(path, metadata, "sidenet.architecture");
  std::map<std::string, std::string> settings;
  if (field.has("settings")) {
    for (const auto& [key, value] : field.at("settings").members()) settings[key] = value.string();
  }
  data.architecture =
      models::recognise(models::Weights(data.weights, path), field.at("name").string(), settings);
}

void read_exits(const std::string& path, const Metadata& metadata, ModelData& data) {
  std::set<std::string> names;
  for (const JsonField& field : field_of(path, metadata, "sidenet.exits").items()) {
    ExitSpec spec = read_exit(field, data.is_text());
    if (spec.name.empty() || spec.name == kFinalExit || !names.insert(spec.name).second) {
      throw Error(path + ": metadata 'sidenet.exits': '" + spec.name +
                  "' is no name for an exit, or stands twice");
    }
    data.exits.push_back(std::move(spec));
  }
  if (metadata.count("sidenet.final")) {
    const JsonField field = field_of(path, metadata, "sidenet.final");
    data.final_temperature = field.at("temperature").number(1e-6, 1e6);
    data.final_map = read_map(field);
  }
  if (metadata.count("sidenet.certificate"))
    data.certificate = read_certificate(field_of(path, metadata, "sidenet.certificate"));
  if (!metadata.count("sidenet.head")) return;
  if (data.architecture.classes > 0)
    throw Error(path + ": metadata 'sidenet.head': the MainNet has a head of its own");
  data.head = read_exit(field_of(path, metadata, "sidenet.head"), data.is_text());
  data.head->name = kFinalExit;
}

void read_provenance(const std::string& path, const Metadata& metadata, ModelData& data) {
  // A file of an earlier version says nothing; its network was taken so all the same.
  data.assumptions = data.architecture.assumptions;
  if (metadata.count("sidenet.assumptions")) {
    data.assumptions.clear();
    for (const JsonField& item : field_of(path, metadata, "sidenet.assumptions").items()) {
      data.assumptions.push_back({item.at("what").string(), item.at("value").string(),
                                  read_named<AssumptionSource>(item.at("source"))});
    }
  }
  if (!metadata.count("sidenet.checked")) return;
  const JsonField field = field_of(path, metadata, "sidenet.checked");
  data.checked = {count(field.at("rows"), 1), field.at("difference").number(0, 1)};
}

void check_label_count(const ModelData& data) {
  if (data.architecture.classes > 0 && data.classes() != data.architecture.classes) {
    throw Error(data.source + ": metadata 'sidenet.labels': expected " +
                std::to_string(data.architecture.classes) + " labels (the head), got " +
                std::to_string(data.classes()));
  }
}

void check_image_channels(const ModelData& data) {
  const int channels = static_cast<int>(data.architecture.input_shape[0]);
  if (data.preprocessing.channels != channels) {
    throw Error(data.source + ": metadata 'sidenet.preprocessing'.channels: expected " +
                std::to_string(channels) + ", got " + std::to_string(data.preprocessing.channels));
  }
  if (channels == 1 && data.preprocessing.channel_order != ChannelOrder::rgb) {
    throw Error(data.source +
                ": metadata 'sidenet.preprocessing'.channel_order: expected rgb of 1 channel, "
                "got bgr");
  }
}

}  // namespace

ModelMetadata metadata_of(const ModelData& data) {
  json exits = json::array();
  for (const ExitSpec& exit : data.exits) exits.push_back(exit_json(exit, data.is_text()));
  json architecture = {{"family", data.architecture.family->name()},
                       {"name", data.architecture.name}};
  if (!data.architecture.settings.empty()) architecture["settings"] = data.architecture.settings;
  Metadata metadata = {{"format", "pt"},
                       {"sidenet.version", kModelVersion},
                       {"sidenet.architecture", dump(architecture)},
                       {"sidenet.labels", dump(data.labels)},
                       {"sidenet.exits", dump(exits)}};
  if (!data.data_labels.empty()) metadata[kDataLabels] = dump(data.data_labels);
  if (!data.is_text()) metadata["sidenet.preprocessing"] = preprocessing_json(data.preprocessing);
  if (data.tokenizer) write_tokenizer(*data.tokenizer, metadata);
  if (data.head) metadata["sidenet.head"] = dump(exit_json(*data.head, data.is_text()));
  if (data.final_temperature != 1 || !data.final_map.identity()) {
    json final = {{"temperature", data.final_temperature}};
    if (!data.final_map.identity()) final["confidence_map"] = map_json(data.final_map);
    metadata["sidenet.final"] = dump(final);
  }
  return metadata;
}

ModelMetadata provenance_of(const ModelData& data) {
  Metadata metadata;
  if (!data.assumptions.empty()) {
    json assumptions = json::array();
    for (const Assumption& each : data.assumptions) {
      assumptions.push_back(
          {{"what", each.what}, {"value", each.value}, {"source", name_of(each.source)}});
    }
    metadata["sidenet.assumptions"] = dump(assumptions);
  }
  if (data.checked) {
    metadata["sidenet.checked"] =
        dump({{"rows", data.checked->rows}, {"difference", data.checked->difference}});
  }
  return metadata;
}

std::string certificate_text(const Certificate& certificate) {
  return dump(certificate_json(certificate));
}

void read_metadata(const std::string& path, ModelMetadata metadata, ModelData& data) {
  read_architecture(path, metadata, data);
  data.labels = strings_of(path, metadata, "sidenet.labels", kMaxLabels);
  check_label_count(data);
  if (data.is_text()) {
    read_tokenizer(path, metadata, data);
  } else {
    data.preprocessing = read_preprocessing(field_of(path, metadata, "sidenet.preprocessing"));
    check_image_channels(data);
  }
  read_provenance(path, metadata, data);
  read_exits(path, metadata, data);
  if (data.has_final() && data.labels.empty())
    throw Error(path + ": metadata 'sidenet.labels': expected at least one label");
  data.data_labels = read_data_labels(path, metadata, data.labels.size());
}

}  // namespace sidenet
