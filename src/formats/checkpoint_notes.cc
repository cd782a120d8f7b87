#include "checkpoint_notes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace sidenet {
namespace {

using pickle::Dict;
using pickle::Value;

// Bytes; a pickle can share one long text among many keys.
constexpr std::size_t kMaxText = 256;
// On the heap, of a map's node with its strings' blocks; and of a string in a list.
constexpr std::size_t kMapNode = 192, kListNode = 64;
constexpr std::size_t kMaxSettings = 1000;  // looked at in a configuration
constexpr std::size_t kMaxClasses = 1 << 18;
constexpr int kMaxDepth = 2;  // "config.model.name"
constexpr const char* kAverages =
    "passed over: it holds averaged weights, and the plain ones are read; to take the others, load "
    "them in PyTorch and save their state_dict()";
constexpr const char* kNoLabels = "left aside: expected each number from 0 on once";
constexpr std::array kConfigurations{
    "args", "opt",     "opts",       "config",           "cfg",
    "conf", "hparams", "options",    "hyper_parameters", "params",
    "meta", "model",   "model_args", "kwargs",           "model_kwargs"};
constexpr std::array kNetworkNames{"arch",       "architecture", "model",    "model_name",
                                   "model_type", "backbone",     "net",      "network",
                                   "encoder",    "name",         "net_type", "type"};

// What timm's arguments say of the wiring.
constexpr std::array kWirings{"gp",       "global_pool", "output_stride", "act_layer", "activation",
                              "aa_layer", "bn_eps",      "stem_type",     "avg_down"};

template <std::size_t kSize>
bool is_among(const std::array<const char*, kSize>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A number or a short string; none of others.
std::optional<std::string> metadata_text(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* text = std::get_if<const pickle::Text*>(&value);
      text != nullptr && (*text)->view.size() <= kMaxText) {
    return std::string((*text)->view);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    char digits[32];
    return std::string(digits, std::to_chars(digits, digits + sizeof digits, *real).ptr);
  }
  return std::nullopt;
}

// A dict's items, or the attributes of an object (argparse.Namespace).
const Dict* settings_of(const Value& value) {
  if (const Dict* dict = pickle::dict_of(value)) return dict;
  const auto* instance = std::get_if<pickle::Instance*>(&value);
  return instance == nullptr ? nullptr : pickle::dict_of((*instance)->state);
}

class Notes {
 public:
  Notes(Checkpoint& checkpoint, ReadBudget& budget, const std::string& file)
      : checkpoint_(checkpoint), budget_(budget), file_(file) {}

  void read(const Dict& dict) {
    for (const auto& [key, value] : dict.items) {
      const std::string_view name = pickle::text_of(key);
      if (name.empty()) continue;
      if (name.size() > kMaxText) continue;
      note_averages(std::string(name), value);
      if (auto text = metadata_text(value)) {
        add(std::string(name), std::move(*text));
      } else if (is_among(kConfigurations, name)) {
        read_configuration(std::string(name), value, 1);
      }
    }
    read_labels(dict);
  }

 private:
  void add(std::string key, std::string text) {
    budget_.take(kMapNode + key.size() + text.size(), file_, "its metadata");
    checkpoint_.metadata[std::move(key)] = std::move(text);
  }

  // Averages of the weights are kept beside them: a callback's (Lightning), or torch_ema's.
  void note_averages(const std::string& key, const Value& value) {
    const Dict* dict = pickle::dict_of(value);
    if (dict == nullptr) return;
    for (const char* averages : {"shadow_params", "shadow"}) {
      const Value* held = dict->find(averages);
      if (held != nullptr &&
          (pickle::items_of(*held) != nullptr || pickle::dict_of(*held) != nullptr))
        return add(key, kAverages);
    }
    if (key != "callbacks" || dict->items.size() > kMaxSettings) return;
    for (const auto& [callback, state] : dict->items) {
      const std::string_view name = pickle::text_of(callback);
      const bool is_average = name.find("EMA") != std::string_view::npos ||
                              name.find("Averag") != std::string_view::npos;
      if (is_average && name.size() <= kMaxText && pickle::dict_of(state) != nullptr)
        add(key + "." + std::string(name), kAverages);
    }
  }

  // What names the network, and what is said of its wiring.
  void read_configuration(const std::string& path, const Value& value, int depth) {
    const Dict* settings = settings_of(value);
    if (settings == nullptr || settings->items.size() > kMaxSettings) return;
    for (const auto& [key, inner] : settings->items) {
      const std::string_view name = pickle::text_of(key);
      if (name.size() > kMaxText) continue;
      const bool is_text = std::holds_alternative<const pickle::Text*>(inner);
      if ((is_text && is_among(kNetworkNames, name)) || is_among(kWirings, name)) {
        if (auto said = metadata_text(inner)) add(path + "." + std::string(name), std::move(*said));
      } else if (depth < kMaxDepth &&
                 (is_among(kConfigurations, name) || is_among(kNetworkNames, name))) {
        read_configuration(path + "." + std::string(name), inner, depth + 1);
      }
    }
    read_labels(*settings);
  }

  void read_labels(const Dict& dict) {
    if (!checkpoint_.labels.empty()) return;
    for (const char* key : {"class_to_idx", "class_to_index", "label_to_idx", "label2id"}) {
      if (const Value* value = dict.find(key)) take_labels(key, *value, true);
    }
    for (const char* key : {"idx_to_class", "index_to_class", "idx_to_label", "id2label"}) {
      if (const Value* value = dict.find(key)) take_labels(key, *value, false);
    }
    for (const char* key : {"classes", "class_names", "CLASSES", "categories"}) {
      if (const Value* value = dict.find(key)) take_list(key, *value);
    }
  }

  void charge(std::size_t bytes) { budget_.take(kListNode + bytes, file_, "its class names"); }

  void take_labels(const char* key, const Value& value, bool name_first) {
    if (!checkpoint_.labels.empty() || std::holds_alternative<std::monostate>(value)) return;
    if (const Dict* dict = pickle::dict_of(value)) {
      if (dict->items.empty()) return;
      checkpoint_.labels = labels_of(*dict, name_first);
    }
    if (checkpoint_.labels.empty()) add(key, kNoLabels);
  }

  // {"cat": 0, "dog": 1}, or {0: "cat", 1: "dog"}. Empty where that is not what it is.
  std::vector<std::string> labels_of(const Dict& dict, bool name_first) {
    if (dict.items.size() > kMaxClasses) return {};
    std::vector<std::string> labels(dict.items.size());
    std::vector<bool> taken(labels.size());
    for (const auto& [key, item] : dict.items) {
      const auto number = integer_of(name_first ? item : key);
      const auto* name = std::get_if<const pickle::Text*>(name_first ? &key : &item);
      if (!number || *number < 0 || *number >= static_cast<std::int64_t>(labels.size()) ||
          name == nullptr || (*name)->view.size() > kMaxText)
        return {};
      const auto index = static_cast<std::size_t>(*number);
      if (taken[index]) return {};
      taken[index] = true;
      charge((*name)->view.size());
      labels[index] = (*name)->view;
    }
    return labels;
  }

  // A number, or its digits as text, as JSON has its keys.
  static std::optional<std::int64_t> integer_of(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
    const std::string_view text = pickle::text_of(value);
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
      return std::nullopt;
    return number;
  }

  void take_list(const char* key, const Value& value) {
    const auto* items = pickle::items_of(value);
    if (items == nullptr || items->size() > kMaxClasses) return;
    std::vector<std::string> labels;
    for (const Value& item : *items) {
      const auto* name = std::get_if<const pickle::Text*>(&item);
      if (name == nullptr || (*name)->view.size() > kMaxText)
        return add(key, "left aside: expected names, got " + pickle::describe(item));
      charge((*name)->view.size());
      labels.emplace_back((*name)->view);
    }
    if (!checkpoint_.labels.empty() && checkpoint_.labels != labels)
      add(key, "left aside: its order is not that of the numbers beside it");
    if (checkpoint_.labels.empty()) checkpoint_.labels = std::move(labels);
  }

  Checkpoint& checkpoint_;
  ReadBudget& budget_;
  const std::string& file_;
};

}  // namespace

void read_beside(const Dict& dict, Checkpoint& checkpoint, ReadBudget& budget,
                 const std::string& file) {
  Notes(checkpoint, budget, file).read(dict);
}

}  // namespace sidenet
