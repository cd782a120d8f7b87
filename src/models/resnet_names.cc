#include "resnet_names.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "foreign_resnets.h"
#include "module_names.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

using Tensors = std::map<std::string, Tensor>;

constexpr const char* kAnchor = "layer1.0.conv1.weight";

std::string clean_component(std::string_view component) {
  struct Rule {
    std::string_view from, to;
  };
  for (const auto& [from, to] : {Rule{"conv_", "conv"}, Rule{"bn_", "bn"}, Rule{"stage_", "layer"},
                                 Rule{"stage", "layer"}}) {
    if (component.starts_with(from) && is_number(component.substr(from.size()))) {
      return std::string(to) + std::string(component.substr(from.size()));
    }
  }
  return std::string(component);
}

// xternalz's "block1.layer.0." is "layer1.0."; OpenMMLab's "stem.3." is "conv1.3.", its norm behind
// the last convolution, "stem.7.", is "bn1.".
std::string with_usual_stages(const std::string& name) {
  constexpr std::string_view kBlock = "block", kLayer = ".layer.", kStem = "stem.";
  const auto begins_component = [&](std::size_t at) { return at == 0 || name[at - 1] == '.'; };
  const std::size_t layer = name.find(kLayer);
  const std::size_t number = layer == std::string::npos ? 0 : layer - 1;
  if (number >= kBlock.size() && std::isdigit(static_cast<unsigned char>(name[number])) != 0) {
    const std::size_t block = number - kBlock.size();
    if (name.compare(block, kBlock.size(), kBlock) == 0 && begins_component(block))
      return name.substr(0, block) + "layer" + name[number] + "." +
             name.substr(layer + kLayer.size());
  }
  const std::size_t stem = name.find(kStem);
  if (stem == std::string::npos || !begins_component(stem)) return name;
  const std::string rest = name.substr(stem + kStem.size());
  if (rest.empty() || std::isdigit(static_cast<unsigned char>(rest[0])) == 0) return name;
  return name.substr(0, stem) + (rest.starts_with("7.") ? "bn1" + rest.substr(1) : "conv1." + rest);
}

// "stage_1.0.conv_2.weight" (EhanW's CIFAR code) becomes "layer1.0.conv2.weight". Names in that
// form already come back as they are.
std::string clean_name(const std::string& original) {
  const std::string name = with_usual_stages(original);
  std::string result;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    result += (begin == 0 ? "" : ".") +
              clean_component(std::string_view(name).substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

// Behind the network in an nn.Sequential its head has a number: "1.8" becomes "head.1.8".
std::string named_head(const std::string& prefix, const std::string& name) {
  const std::string rest = name_beside(prefix, name);
  const bool is_first = prefix.substr(name.size() - rest.size()).starts_with("0.");
  return is_first && is_number(rest.substr(0, rest.find('.'))) ? "head." + rest : rest;
}

// The network's tensors without its prefix, and those beside it where their names stay apart.
CleanedNames take_network(const FoundNetwork& network, Tensors& tensors) {
  CleanedNames cleaned{network.prefix, {}, {}};
  Tensors under;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(network.prefix)) under.emplace(name.substr(network.prefix.size()), tensor);
  }
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(network.prefix) || network.is_in_twin(name)) continue;
    const std::string rest = named_head(network.prefix, name);
    if (!under.emplace(rest, tensor).second) cleaned.left_out.push_back(name);
  }
  tensors = std::move(under);
  return cleaned;
}

}  // namespace

std::optional<CleanedNames> clean_resnet_names(Tensors& tensors, const std::string& file) {
  Settings settings;
  Tensors renamed;
  std::optional<Error> collision;
  const std::vector<NameRule> rules = foreign_resnets(tensors, file, settings);
  for (const auto& [name, tensor] : tensors) {
    const std::string clean = clean_name(with_usual_modules(tensors, with_rules(rules, name)));
    if (!renamed.emplace(clean, tensor).second && !collision)
      collision.emplace(file + ": tensors '" + name + "' and '" + clean +
                        "' stand for the same module");
  }
  const auto network = find_network(renamed, kAnchor, file);
  if (!network) return std::nullopt;
  if (collision) throw Error(*collision);
  CleanedNames cleaned = take_network(*network, renamed);
  cleaned.settings = std::move(settings);
  tensors = std::move(renamed);
  return cleaned;
}

}  // namespace sidenet::models
