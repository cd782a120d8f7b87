#include <algorithm>
#include <cctype>
#include <string_view>

#include "family.h"
#include "resnet.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

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

// "stage_1.0.conv_2.weight" (EhanW's CIFAR code) becomes "layer1.0.conv2.weight". Names in that
// form already come back as they are.
std::string clean_name(const std::string& name) {
  std::string result;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    result += (begin == 0 ? "" : ".") +
              clean_component(std::string_view(name).substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

class ResNetFamily : public Family {
 public:
  std::string name() const override { return "resnet"; }
  std::string title() const override { return "a ResNet"; }
  std::vector<std::string> landmarks() const override {
    return {"conv1.weight", "layer1.0.conv1.weight"};
  }

  // "resnet56" is also the CIFAR networks', where the stages say so.
  bool is_called(const std::string& asked, const std::string& architecture) const override {
    return Family::is_called(asked, architecture) || "cifar_" + asked == architecture ||
           (asked == "cifar_resnet" && architecture.starts_with(asked));
  }

  std::optional<CleanedNames> clean_names(std::map<std::string, Tensor>& tensors,
                                          const std::string& file) const override {
    std::map<std::string, Tensor> renamed;
    std::optional<Error> collision;
    for (const auto& [name, tensor] : tensors) {
      const std::string clean = clean_name(name);
      if (!renamed.emplace(clean, tensor).second && !collision) {
        collision.emplace(file + ": tensors '" + name + "' and '" + clean +
                          "' stand for the same module");
      }
    }
    auto cleaned = Family::clean_names(renamed, file);
    if (!cleaned) return std::nullopt;
    if (collision) throw Error(*collision);
    tensors = std::move(renamed);
    return cleaned;
  }

  bool owns(const std::string& tensor) const override {
    const auto starts = [&](const char* module) { return tensor.starts_with(module); };
    return starts("layer") || starts("conv") || starts("bn") || starts("fc.") || starts("linear.");
  }

  std::optional<Architecture> recognise(const Weights& weights, const Settings&) const override {
    const auto config = recognise_resnet(weights);
    if (!config) return std::nullopt;
    return describe_resnet(*config);
  }

  Graph build(const Architecture&, const Weights& weights,
              const Shape& input_shape) const override {
    const auto config = recognise_resnet(weights);
    if (!config) throw Error(weights.file() + ": no tensor 'layer1.0.conv1.weight'");
    return build_resnet(*config, weights, input_shape);
  }
};

}  // namespace

const Family& resnet_family() {
  static const ResNetFamily family;
  return family;
}

}  // namespace sidenet::models
