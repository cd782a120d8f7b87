#include "family.h"

#include <algorithm>

namespace sidenet::models {
namespace {

// The part before the anchor, of the tensor that is named so or ends so.
std::optional<std::string> path_before(const std::map<std::string, Tensor>& tensors,
                                       const std::string& anchor) {
  if (tensors.contains(anchor)) return "";
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& tensor) {
    return tensor.first.ends_with("." + anchor);
  });
  if (found == tensors.end()) return std::nullopt;
  return found->first.substr(0, found->first.size() - anchor.size());
}

}  // namespace

bool Family::is_called(const std::string& asked, const std::string& architecture) const {
  return asked == architecture || asked == name();
}

std::optional<CleanedNames> Family::clean_names(std::map<std::string, Tensor>& tensors,
                                                const std::string&) const {
  const auto prefix = path_before(tensors, landmarks().back());
  if (!prefix) return std::nullopt;
  CleanedNames cleaned{*prefix, {}};
  std::map<std::string, Tensor> under;
  for (auto& [name, tensor] : tensors) {
    if (name.starts_with(*prefix)) {
      under.emplace(name.substr(prefix->size()), std::move(tensor));
    } else {
      cleaned.left_out.push_back(name);
    }
  }
  tensors = std::move(under);
  return cleaned;
}

Settings Family::read_config(const JsonField&, const Weights&) const { return {}; }

void Family::check_checkpoint(const Architecture&, const std::string&, bool) const {}

}  // namespace sidenet::models
