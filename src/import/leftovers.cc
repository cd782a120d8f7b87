#include "leftovers.h"

#include <algorithm>
#include <array>

#include "sidenet/error.h"
#include "wrapped_names.h"

namespace sidenet {
namespace {

// Of a tensor's path or a module's; "." stands behind each component.
bool is_under(const std::string& name, const std::string& module) {
  return name == module ||
         (name.starts_with(module) && (module.ends_with('.') || name[module.size()] == '.'));
}

// What training leaves in a state dict: losses, metrics, counters.
bool is_of_training(const std::string& name) {
  constexpr std::array kLast{"num_batches_tracked", "n_averaged", "position_ids", "decay",
                             "num_updates",         "step",       "global_step",  "epoch"};
  const std::string last = name.substr(name.rfind('.') + 1);
  if (std::find(kLast.begin(), kLast.end(), last) != kLast.end()) return true;
  constexpr std::array kWords{"criterion", "loss", "objective", "optimizer", "metric", "accuracy"};
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    for (const std::string word : kWords) {
      if (name.compare(begin, word.size(), word) == 0 ||
          (end - begin > word.size() &&
           name.compare(end - word.size() - 1, word.size() + 1, "_" + word) == 0))
        return true;
    }
    begin = end + 1;
  }
  return false;
}

// A module as it was given: by the file's names, or by those without wrappers.
std::string name_in(const ModelData& data, const std::string& given) {
  const auto at = data.weights.lower_bound(given);
  const bool is_there = at != data.weights.end() && at->first.starts_with(given);
  if (is_there || given.empty()) return given;
  std::string name = without_wrappers(given.ends_with('.') ? given : given + ".");
  if (!name.empty()) name.pop_back();
  return name;
}

// The mean or standard deviation of channels: a part of no layer.
bool is_normalisation(const std::string& name) {
  return (name.ends_with("mean") && !name.ends_with("running_mean")) || name.ends_with("std");
}

}  // namespace

std::string list_names(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 5, kLongestList = 150;
  std::string text;
  std::size_t shown = 0;
  for (; shown < std::min(names.size(), kMost); ++shown) {
    const std::string name = models::shown_name(names[shown]);
    if (shown > 0 && text.size() + name.size() + 4 > kLongestList) break;
    text += (shown == 0 ? "'" : ", '") + name + "'";
  }
  return names.size() > shown ? text + " and " + std::to_string(names.size() - shown) + " more"
                              : text;
}

void choose_tensors(const ImportOptions& options, ModelData& data) {
  unwrap_names(data.weights);
  for (const std::string& given : options.drop) {
    const std::string module = name_in(data, given);
    const auto count = module.empty() ? 0 : std::erase_if(data.weights, [&](const auto& tensor) {
      return is_under(tensor.first, module);
    });
    if (count == 0)
      throw Error(data.source + ": drop: expected a module of the checkpoint, got '" + given +
                  "', which no tensor stands under");
    data.notes.push_back(printable_line("left out, as asked: '" + module + "', " +
                                        std::to_string(count) + " tensors"));
  }
  if (options.prefix.empty()) return;
  const std::string prefix = name_in(data, options.prefix);
  if (prefix.empty()) return;  // it names wrappers alone
  std::map<std::string, Tensor> under;
  for (auto& [name, tensor] : data.weights) {
    if (name.size() > prefix.size() && is_under(name, prefix)) {
      const std::size_t bytes = prefix.size() + (prefix.ends_with('.') ? 0 : 1);
      under.emplace(name.substr(bytes), std::move(tensor));
    }
  }
  if (under.empty())
    throw Error(data.source + ": prefix: expected the beginning of tensors' names, got '" + prefix +
                "', with which none begins");
  const std::size_t others = data.weights.size() - under.size();
  if (others > 0)
    data.notes.push_back(printable_line("left out, not under '" + prefix +
                                        "': " + std::to_string(others) + " tensors"));
  data.weights = std::move(under);
}

void judge_leftovers(const models::Family& family, const std::vector<std::string>& names,
                     ModelData& data) {
  std::vector<std::string> foreign, unknown, harmless;
  for (const std::string& name : names) {
    if (is_of_training(name) || family.is_harmless(name)) {
      if (!name.ends_with("num_batches_tracked")) harmless.push_back(name);
    } else {
      (family.owns(name) ? foreign : unknown).push_back(name);
    }
  }
  const std::string& network = data.architecture.name;
  if (!foreign.empty()) {
    throw Error(data.source + ": unknown architecture: it looks like a " + network +
                ", which has no place for " + list_names(foreign));
  }
  if (!unknown.empty()) {
    const bool is_scale = std::all_of(unknown.begin(), unknown.end(), is_normalisation);
    throw Error(data.source + ": holds " + list_names(unknown) + ", which a " + network +
                " has no place for" +
                (is_scale ? ": if the network normalises its input by them, give --mean, --std and "
                            "--drop MODULE"
                          : ", so its answers would be wrong: --head names the head's modules in "
                            "their order, --drop those of no use"));
  }
  if (!harmless.empty())
    data.notes.push_back(
        printable_line("left out, not part of a " + network + ": " + list_names(harmless)));
}

}  // namespace sidenet
