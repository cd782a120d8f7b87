#include "family.h"

#include <algorithm>

#include "sidenet/error.h"

namespace sidenet::models {
namespace {

// What stands before the anchor, of each tensor that is named so or ends so: shortest first.
std::vector<std::string> paths_before(const std::map<std::string, Tensor>& tensors,
                                      const std::string& anchor) {
  std::vector<std::string> paths;
  for (const auto& [name, tensor] : tensors) {
    if (name == anchor || name.ends_with("." + anchor))
      paths.push_back(name.substr(0, name.size() - anchor.size()));
  }
  std::stable_sort(paths.begin(), paths.end(),
                   [](const auto& a, const auto& b) { return a.size() < b.size(); });
  return paths;
}

// Whether what stands under `path` is the network under `first` once more: the same names, with the
// same bytes of the file.
bool is_same_network(const std::map<std::string, Tensor>& tensors, const std::string& first,
                     const std::string& path) {
  std::size_t shared = 0;
  for (auto at = tensors.lower_bound(path); at != tensors.end() && at->first.starts_with(path);
       ++at) {
    const auto twin = tensors.find(first + at->first.substr(path.size()));
    if (twin == tensors.end() || twin->second.raw() != at->second.raw() ||
        twin->second.shape() != at->second.shape())
      return false;
    ++shared;
  }
  return shared > 0;
}

}  // namespace

bool Family::is_called(const std::string& asked, const std::string& architecture) const {
  return asked == architecture || asked == name();
}

bool FoundNetwork::is_in_twin(const std::string& tensor) const {
  return std::any_of(twins.begin(), twins.end(),
                     [&](const std::string& twin) { return tensor.starts_with(twin); });
}

std::optional<FoundNetwork> find_network(const std::map<std::string, Tensor>& tensors,
                                         const std::string& anchor, const std::string& file) {
  constexpr std::size_t kMostCompared = 16, kMostListed = 5;
  const std::vector<std::string> paths = paths_before(tensors, anchor);
  if (paths.empty()) return std::nullopt;
  FoundNetwork found{paths.front(), {}};
  std::vector<std::string> several{found.prefix};
  for (std::size_t i = 1; i < paths.size(); ++i) {
    const bool is_twin =
        paths.size() <= kMostCompared && is_same_network(tensors, found.prefix, paths[i]);
    (is_twin ? found.twins : several).push_back(paths[i]);
  }
  if (several.size() == 1) return found;
  std::string list;
  for (std::size_t i = 0; i < std::min(several.size(), kMostListed); ++i)
    list += (i == 0 ? "" : ", ") +
            (several[i].empty() ? "one without a prefix" : "'" + several[i] + "'");
  if (several.size() > kMostListed)
    list += " and " + std::to_string(several.size() - kMostListed) + " more";
  throw Error(file + ": holds several networks: " + list +
              ": expected one; choose it with --prefix, or leave the others out with --drop");
}

std::string name_beside(const std::string& prefix, const std::string& name) {
  std::size_t common = 0;
  for (std::size_t i = 0; i < std::min(prefix.size(), name.size()) && prefix[i] == name[i]; ++i) {
    if (prefix[i] == '.') common = i + 1;
  }
  return name.substr(common);
}

std::optional<CleanedNames> Family::clean_names(std::map<std::string, Tensor>& tensors,
                                                const std::string& file) const {
  const auto network = find_network(tensors, landmarks().back(), file);
  if (!network) return std::nullopt;
  CleanedNames cleaned{network->prefix, {}, {}};
  std::map<std::string, Tensor> under;
  for (auto& [name, tensor] : tensors) {
    if (name.starts_with(network->prefix)) {
      under.emplace(name.substr(network->prefix.size()), std::move(tensor));
    } else if (!network->is_in_twin(name)) {
      cleaned.left_out.push_back(name);
    }
  }
  tensors = std::move(under);
  return cleaned;
}

bool Family::is_harmless(const std::string&) const { return false; }

std::string Family::other_network(const std::string&, const Architecture&) const { return ""; }

Settings Family::settings_told(const std::string&, const std::string&) const { return {}; }

std::map<std::string, std::string> Family::settings() const { return {}; }

Settings Family::read_config(const JsonField&, const Weights&, const Settings&) const { return {}; }

void Family::check_checkpoint(const Architecture&, const std::string&, bool) const {}

}  // namespace sidenet::models
