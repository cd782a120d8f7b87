#include "state_dict.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory_resource>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "byte_reader.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using pickle::Dict;
using pickle::Value;

constexpr int kMaxDepth = 4;
constexpr std::size_t kMaxListed = 8;  // dicts in a message
constexpr std::size_t kMaxMetadataText =
    256;  // bytes; a pickle can share one long text among many keys
// On the heap, of a map's node, with its strings' blocks; and of one with a tensor and its shape.
constexpr std::size_t kMapNode = 192, kTensorNode = 512;
constexpr std::size_t kMaxModuleCandidates = 256;
constexpr std::array kPreferredKeys{
    "state_dict",     "model_state_dict", "model_state",    "model",   "net",
    "network",        "weights",          "params",         "module",  "ema",
    "state_dict_ema", "model_ema",        "ema_state_dict", "teacher", "student"};

// Throws Error where the value is a torch.nn.Module, which keeps its parts in these attributes.
// Objects may share a state: those in `seen` were looked at.
void refuse_module(const Value& value, const std::string& name, std::set<const Dict*>& seen) {
  const auto* instance = std::get_if<pickle::Instance*>(&value);
  const Dict* state = instance == nullptr ? nullptr : pickle::dict_of((*instance)->state);
  if (state == nullptr || !seen.insert(state).second) return;
  if (state->find("_modules") == nullptr || state->find("_parameters") == nullptr) return;
  throw Error(name + ": holds a whole pickled module (" + quote((*instance)->type->full()) +
              "), which only its own Python code can rebuild: save model.state_dict() instead");
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

void add_metadata(const Dict& dict, std::map<std::string, std::string>& metadata,
                  ReadBudget& budget, const std::string& file) {
  for (const auto& [key, value] : dict.items) {
    const std::string_view name = pickle::text_of(key);
    if (name.empty()) continue;
    if (auto text = metadata_text(value)) {
      budget.take(kMapNode + name.size() + text->size(), file, "its metadata");
      metadata[std::string(name)] = std::move(*text);
    }
  }
}

// Dicts may be shared and hold themselves, so what is found of each is kept: no dict is searched
// twice.
class WeightFinder {
 public:
  WeightFinder(ReadBudget& budget, const std::string& name)
      : name_(name), holds_(&budget), preferred_(&budget) {}

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
      if (inner == nullptr ||
          (!holds_tensors(*inner) && preferred_child(*inner, depth + 1) == nullptr))
        continue;
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
    throw Error(name_ +
                ": expected one dict of tensors, or one called state_dict, got several: " + list);
  }

  const std::string& name_;
  std::pmr::unordered_map<const Dict*, bool> holds_;
  std::pmr::unordered_map<const Dict*, const Dict*> preferred_;
};

[[noreturn]] void fail_without_weights(const Value& root, const std::string& name) {
  std::set<const Dict*> seen;
  refuse_module(root, name, seen);
  if (const Dict* dict = pickle::dict_of(root)) {
    const std::size_t candidates = std::min(dict->items.size(), kMaxModuleCandidates);
    for (std::size_t i = 0; i < candidates; ++i) refuse_module(dict->items[i].second, name, seen);
  }
  throw Error(name + ": expected a dict of tensors (a state_dict), got " + pickle::describe(root) +
              (pickle::dict_of(root) != nullptr ? " without one" : ""));
}

}  // namespace

Checkpoint checkpoint_of(const Value& root, TorchTensorBuilder& builder, ReadBudget& budget,
                         const std::string& name) {
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
    // A pickle can share one long text among many keys: it is copied where that is charged.
    const std::string_view text = pickle::text_of(key);
    if (text.empty() || !is_torch_tensor(value)) continue;
    budget.take(kTensorNode + text.size(), name, "the list of tensors");
    const std::string tensor(text);
    checkpoint.tensors[tensor] = builder.build(value, name + ": tensor " + quote(tensor));
  }
  if (checkpoint.tensors.empty()) fail_without_weights(root, name);
  return checkpoint;
}

namespace {

// Bytes of the prefixes that every name carries, one behind the other.
std::size_t common_prefix_bytes(const std::map<std::string, Tensor>& tensors) {
  constexpr std::array<std::string_view, 2> kPrefixes{"module.", "_orig_mod."};
  // Names are sorted: what the first and the last begin with all begin with, and none is shorter
  // than the first then.
  const std::string_view first = tensors.begin()->first, last = tensors.rbegin()->first;
  std::size_t bytes = 0;
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view prefix : kPrefixes) {
      const bool carried =
          first.substr(bytes).starts_with(prefix) && last.substr(bytes).starts_with(prefix);
      if (!carried || first.size() == bytes + prefix.size()) continue;
      bytes += prefix.size();
      again = true;
    }
  }
  return bytes;
}

}  // namespace

void strip_common_prefixes(std::map<std::string, Tensor>& tensors) {
  const std::size_t bytes = tensors.empty() ? 0 : common_prefix_bytes(tensors);
  if (bytes == 0) return;
  // Without it they keep their order, so that each node moves to the end of the new map.
  std::map<std::string, Tensor> stripped;
  while (!tensors.empty()) {
    auto node = tensors.extract(tensors.begin());
    node.key().erase(0, bytes);
    stripped.insert(stripped.end(), std::move(node));
  }
  tensors = std::move(stripped);
}

}  // namespace sidenet
