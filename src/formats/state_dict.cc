#include "state_dict.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <memory_resource>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "byte_reader.h"
#include "checkpoint_notes.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using pickle::Dict;
using pickle::Value;

constexpr int kMaxDepth = 4;
constexpr std::size_t kMaxListed = 8;  // dicts in a message
// On the heap, of a map's node with a tensor and its shape.
constexpr std::size_t kTensorNode = 512;
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

// What holds tensors beside the weights, and is none of them.
bool is_aside(std::string_view key) {
  constexpr std::array kAside{"optim", "sched",  "scaler", "criterion", "loss",     "metric",
                              "rng",   "random", "amp",    "history",   "callback", "loop"};
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(kAside.begin(), kAside.end(),
                     [&](const char* word) { return lower.find(word) != std::string::npos; });
}

bool is_preferred(std::string_view key) {
  return std::find(kPreferredKeys.begin(), kPreferredKeys.end(), key) != kPreferredKeys.end();
}

// Dicts may be shared and hold themselves, so what is found of each is kept: no dict is searched
// twice.
class WeightFinder {
 public:
  struct Child {
    std::string_view key;
    const Dict* dict;
  };

  WeightFinder(ReadBudget& budget, const std::string& name)
      : name_(name), holds_(&budget), leads_(&budget) {}

  // The dicts that lead to the weights by the rules of state_dict.h; none where `dict` is the last.
  std::vector<Child> next(const Dict& dict) {
    std::vector<Child> found;
    for (const auto& [key, value] : dict.items) {
      const Child child{pickle::text_of(key), pickle::dict_of(value)};
      if (child.dict == nullptr || child.key.empty() || is_aside(child.key)) continue;
      const bool leads = is_preferred(child.key)
                             ? holds(*child.dict) != Holds::nothing || leads_on(*child.dict, 1)
                             : holds(*child.dict) == Holds::state_dict;
      if (!leads) continue;
      // A key that is stored twice holds what was stored last.
      std::erase_if(found, [&](const Child& other) {
        return other.key == child.key || other.dict == child.dict;
      });
      if (found.size() >= kMaxListed) fail_several(found);
      found.push_back(child);
    }
    // Of those that are no usual key, one alone says little beside tensors of this dict's own.
    const bool usual = std::any_of(found.begin(), found.end(),
                                   [](const Child& child) { return is_preferred(child.key); });
    if (!usual && holds(dict) != Holds::nothing) found.clear();
    if (found.empty() && holds(dict) == Holds::nothing) {
      if (const Child only = only_dict_with_tensors(dict); only.dict != nullptr)
        found.push_back(only);
    }
    return found;
  }

 private:
  enum class Holds { nothing, tensors, state_dict };

  Holds holds(const Dict& dict) {
    const auto [found, added] = holds_.emplace(&dict, Holds::nothing);
    if (!added) return found->second;
    for (const auto& [key, value] : dict.items) {
      const std::string_view name = pickle::text_of(key);
      if (name.empty() || !is_torch_tensor(value)) continue;
      found->second = Holds::tensors;
      if (name.find('.') == std::string_view::npos && name != "weight") continue;
      found->second = Holds::state_dict;
      break;
    }
    return found->second;
  }

  // Whether a usual key leads from here to tensors.
  bool leads_on(const Dict& dict, int depth) {
    const auto [found, added] = leads_.emplace(&dict, false);
    if (!added || depth >= kMaxDepth) return found->second;
    for (const auto& [key, value] : dict.items) {
      const Dict* inner = is_preferred(pickle::text_of(key)) ? pickle::dict_of(value) : nullptr;
      if (inner == nullptr) continue;
      if (holds(*inner) != Holds::nothing || leads_on(*inner, depth + 1))
        return leads_[&dict] = true;
    }
    return false;
  }

  [[noreturn]] void fail_several(const std::vector<Child>& found) const {
    std::string list;
    for (const Child& child : found) list += (list.empty() ? "" : ", ") + quote(child.key);
    throw Error(name_ +
                ": expected one dict of tensors, or one called state_dict, got several: " + list);
  }

  Child only_dict_with_tensors(const Dict& dict) const {
    std::vector<Child> found;
    for (const auto& [key, value] : dict.items) {
      const Child child{pickle::text_of(key), pickle::dict_of(value)};
      if (child.dict == nullptr || is_aside(child.key)) continue;
      const auto known = holds_.find(child.dict);
      if (known == holds_.end() || known->second == Holds::nothing) continue;
      const bool seen = std::any_of(found.begin(), found.end(),
                                    [&](const Child& other) { return other.dict == child.dict; });
      if (!seen && found.size() < kMaxListed) found.push_back(child);
    }
    if (found.size() > 1) fail_several(found);
    return found.empty() ? Child{} : found.front();
  }

  const std::string& name_;
  std::pmr::unordered_map<const Dict*, Holds> holds_;
  std::pmr::unordered_map<const Dict*, bool> leads_;
};

void refuse_array(const Value& value, const std::string& name) {
  const auto* instance = std::get_if<pickle::Instance*>(&value);
  if (instance == nullptr) return;
  const pickle::Global& type = *(*instance)->type;
  if (!type.module.starts_with("numpy") || type.name == "scalar" || type.name == "dtype") return;
  throw Error(name +
              ": expected a dict of tensors (a state_dict), got NumPy arrays: make tensors "
              "of them (torch.from_numpy) and save those");
}

[[noreturn]] void fail_without_weights(const Value& root, const std::string& name) {
  std::set<const Dict*> seen;
  refuse_module(root, name, seen);
  if (const Dict* dict = pickle::dict_of(root)) {
    const std::size_t candidates = std::min(dict->items.size(), kMaxModuleCandidates);
    for (std::size_t i = 0; i < candidates; ++i) {
      refuse_module(dict->items[i].second, name, seen);
      refuse_array(dict->items[i].second, name);
    }
  }
  throw Error(name + ": expected a dict of tensors (a state_dict), got " + pickle::describe(root) +
              (pickle::dict_of(root) != nullptr ? " without one" : ""));
}

// Reads the tensors of a dict, or of those that it leads to.
class Collector {
 public:
  Collector(TorchTensorBuilder& builder, ReadBudget& budget, const std::string& name)
      : builder_(builder), budget_(budget), name_(name), finder_(budget, name) {}

  // What lies beside the weights is kept where `is_trunk`: outside one of several.
  std::map<std::string, Tensor> collect(const Dict& dict, bool is_trunk, int depth) {
    std::vector<WeightFinder::Child> children;
    if (depth < kMaxDepth) {
      if (is_trunk) read_beside(dict, beside_, budget_, name_);
      children = finder_.next(dict);
    }
    if (children.empty()) return tensors_of(dict);
    if (children.size() == 1) return collect(*children.front().dict, is_trunk, depth + 1);
    std::map<std::string, Tensor> all;
    for (const auto& [key, child] : children) {
      std::map<std::string, Tensor> tensors = collect(*child, false, depth + 1);
      strip_common_prefixes(tensors);
      for (auto& [name, tensor] : tensors) {
        budget_.take(kTensorNode + key.size() + name.size(), name_, "the list of tensors");
        all.emplace(std::string(key) + "." + name, std::move(tensor));
      }
    }
    return all;
  }
  Checkpoint take(std::map<std::string, Tensor> tensors) {
    beside_.tensors = std::move(tensors);
    return std::move(beside_);
  }

 private:
  std::map<std::string, Tensor> tensors_of(const Dict& dict) {
    std::map<std::string, Tensor> tensors;
    for (const auto& [key, value] : dict.items) {
      // A pickle can share one long text among many keys: it is copied where that is charged.
      const std::string_view text = pickle::text_of(key);
      if (text.empty() || !is_torch_tensor(value)) continue;
      budget_.take(kTensorNode + text.size(), name_, "the list of tensors");
      const std::string tensor(text);
      tensors[tensor] = builder_.build(value, name_ + ": tensor " + quote(tensor));
    }
    return tensors;
  }

  TorchTensorBuilder& builder_;
  ReadBudget& budget_;
  const std::string& name_;
  WeightFinder finder_;
  Checkpoint beside_;
};

}  // namespace

Checkpoint checkpoint_of(const Value& root, TorchTensorBuilder& builder, ReadBudget& budget,
                         const std::string& name) {
  const Dict* dict = pickle::dict_of(root);
  if (dict == nullptr) fail_without_weights(root, name);
  Collector collector(builder, budget, name);
  Checkpoint checkpoint = collector.take(collector.collect(*dict, true, 0));
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
