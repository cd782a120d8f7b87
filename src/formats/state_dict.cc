#include "state_dict.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory_resource>
#include <optional>
#include <unordered_map>
#include <vector>

#include "byte_reader.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using pickle::Dict;
using pickle::Value;

constexpr int kMaxDepth = 4;
constexpr std::size_t kMaxListed = 8;          // dicts in a message
constexpr std::size_t kMaxMetadataText = 256;  // bytes; a pickle can share one long text among many keys
// On the heap, of a map's node, with its strings' blocks; and of one with a tensor and its shape.
constexpr std::size_t kMapNode = 192, kTensorNode = 512;
constexpr std::size_t kMaxModuleCandidates = 256;
constexpr std::array kPreferredKeys{"state_dict",     "model_state_dict", "model_state",    "model",   "net",
                                    "network",        "weights",          "params",         "module",  "ema",
                                    "state_dict_ema", "model_ema",        "ema_state_dict", "teacher", "student"};

// A torch.nn.Module keeps its parts in these attributes.
const pickle::Instance* as_module(const Value& value) {
  const auto* instance = std::get_if<pickle::Instance*>(&value);
  const Dict* state = instance == nullptr ? nullptr : pickle::dict_of((*instance)->state);
  const bool is_module = state != nullptr && state->find("_modules") != nullptr && state->find("_parameters") != nullptr;
  return is_module ? *instance : nullptr;
}

void refuse_module(const Value& value, const std::string& name) {
  if (const pickle::Instance* module = as_module(value)) {
    throw Error(name + ": holds a whole pickled module (" + quote(module->type->full()) +
                "), which only its own Python code can rebuild: save model.state_dict() instead");
  }
}

// A number or a short string; none of others.
std::optional<std::string> metadata_text(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* text = std::get_if<const pickle::Text*>(&value);
      text != nullptr && (*text)->view.size() <= kMaxMetadataText) {
    return std::string((*text)->view);
  }
  if (const auto* real = std::get_if<double>(&value)) {
    char digits[32];
    return std::string(digits, std::to_chars(digits, digits + sizeof digits, *real).ptr);
  }
  return std::nullopt;
}

void add_metadata(const Dict& dict, std::map<std::string, std::string>& metadata, ReadBudget& budget,
                  const std::string& file) {
  for (const auto& [key, value] : dict.items) {
    const std::string_view name = pickle::text_of(key);
    if (name.empty()) continue;
    if (auto text = metadata_text(value)) {
      budget.take(kMapNode + name.size() + text->size(), file, "its metadata");
      metadata[std::string(name)] = std::move(*text);
    }
  }
}

// Dicts may be shared and hold themselves, so what is found of each is kept: no dict is searched twice.
class WeightFinder {
 public:
  WeightFinder(ReadBudget& budget, const std::string& name) : name_(name), holds_(&budget), preferred_(&budget) {}

  // The dict that leads to the weights by the rules of state_dict.h; null where `dict` is the last.
  const Dict* next(const Dict& dict) {
    if (const Dict* preferred = preferred_child(dict)) return preferred;
    return holds_tensors(dict) ? nullptr : only_dict_with_tensors(dict);
  }

 private:
  bool holds_tensors(const Dict& dict) {
    const auto [found, added] = holds_.emplace(&dict, false);
    if (added) {
      found->second = std::any_of(dict.items.begin(), dict.items.end(), [](const auto& item) {
        return !pickle::text_of(item.first).empty() && is_torch_tensor(item.second);
      });
    }
    return found->second;
  }

  const Dict* preferred_child(const Dict& dict, int depth = 0) {
    const auto [found, added] = preferred_.emplace(&dict, nullptr);
    if (!added || depth >= kMaxDepth) return found->second;
    for (const char* key : kPreferredKeys) {
      const Value* value = dict.find(key);
      const Dict* inner = value == nullptr ? nullptr : pickle::dict_of(*value);
      if (inner == nullptr || (!holds_tensors(*inner) && preferred_child(*inner, depth + 1) == nullptr)) continue;
      return preferred_[&dict] = inner;
    }
    return nullptr;
  }

  const Dict* only_dict_with_tensors(const Dict& dict) {
    std::vector<std::string_view> keys;
    const Dict* only = nullptr;
    for (const auto& [key, value] : dict.items) {
      const Dict* inner = pickle::dict_of(value);
      if (inner == nullptr || !holds_tensors(*inner)) continue;
      if (inner != only && keys.size() < kMaxListed) keys.push_back(pickle::text_of(key));
      only = inner;
    }
    if (keys.size() <= 1) return only;
    std::string list = quote(keys[0]);
    for (std::size_t i = 1; i < keys.size(); ++i) list += ", " + quote(keys[i]);
    throw Error(name_ + ": expected one dict of tensors, or one called state_dict, got several: " + list);
  }

  const std::string& name_;
  std::pmr::unordered_map<const Dict*, bool> holds_;
  std::pmr::unordered_map<const Dict*, const Dict*> preferred_;
};

[[noreturn]] void fail_without_weights(const Value& root, const std::string& name) {
  refuse_module(root, name);
  if (const Dict* dict = pickle::dict_of(root)) {
    const std::size_t candidates = std::min(dict->items.size(), kMaxModuleCandidates);
    for (std::size_t i = 0; i < candidates; ++i) refuse_module(dict->items[i].second, name);
  }
  throw Error(name + ": expected a dict of tensors (a state_dict), got " + pickle::describe(root) +
              (pickle::dict_of(root) != nullptr ? " without one" : ""));
}

}  // namespace

Checkpoint checkpoint_of(const Value& root, TorchTensorBuilder& builder, ReadBudget& budget, const std::string& name) {
  Checkpoint checkpoint;
  const Dict* dict = pickle::dict_of(root);
  if (dict == nullptr) fail_without_weights(root, name);
  WeightFinder finder(budget, name);
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    add_metadata(*dict, checkpoint.metadata, budget, name);
    const Dict* next = finder.next(*dict);
    if (next == nullptr) break;
    dict = next;
  }
  for (const auto& [key, value] : dict->items) {
    const std::string tensor(pickle::text_of(key));
    if (tensor.empty() || !is_torch_tensor(value)) continue;
    budget.take(kTensorNode + tensor.size(), name, "the list of tensors");
    checkpoint.tensors[tensor] = builder.build(value, name + ": tensor " + quote(tensor));
  }
  if (checkpoint.tensors.empty()) fail_without_weights(root, name);
  return checkpoint;
}

void strip_common_prefixes(std::map<std::string, Tensor>& tensors) {
  constexpr std::array<std::string_view, 2> kPrefixes{"module.", "_orig_mod."};
  for (bool again = true; again && !tensors.empty();) {
    again = false;
    for (const std::string_view prefix : kPrefixes) {
      const auto carries = [&](const auto& item) {
        return item.first.size() > prefix.size() && item.first.starts_with(prefix);
      };
      if (!std::all_of(tensors.begin(), tensors.end(), carries)) continue;
      // One prefix fewer keeps the order, so that each node moves to the end of the new map.
      std::map<std::string, Tensor> stripped;
      while (!tensors.empty()) {
        auto node = tensors.extract(tensors.begin());
        node.key().erase(0, prefix.size());
        stripped.insert(stripped.end(), std::move(node));
      }
      tensors = std::move(stripped);
      again = true;
    }
  }
}

}  // namespace sidenet
