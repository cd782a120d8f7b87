#include <algorithm>
#include <cctype>
#include <string_view>

#include "family.h"
#include "foreign_resnets.h"
#include "hub_config.h"
#include "network_names.h"
#include "resnet.h"
#include "resnet_names.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

// "age" of fc_age; parts of a head are no task.
bool is_task(const std::string& name) {
  if (name.empty() || is_number(name)) return false;
  for (const char* part :
       {"bn", "norm", "embed", "proj", "pre", "hidden", "in", "neck", "bottleneck", "drop"}) {
    if (name.starts_with(part)) return false;
  }
  return true;
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
    return clean_resnet_names(tensors, file);
  }

  bool owns(const std::string& tensor) const override {
    const auto starts = [&](const char* module) { return tensor.starts_with(module); };
    return starts("layer") || starts("conv") || starts("bn") || starts("fc.") || starts("linear.");
  }

  std::string other_network(const std::string& name,
                            const Architecture& recognised) const override {
    return other_than_resnet(name, recognised);
  }

  Settings settings_told(const std::string& argument, const std::string& value) const override {
    const bool averages = value == "avg" || value == "avgpool";
    if (argument == "name") {
      const std::string smoothing = smoothing_of_resnet(value);
      return smoothing.empty() ? Settings{} : Settings{{"antialias", smoothing}};
    }
    if (argument == "gp" || argument == "global_pool") {
      if (value == "max") return {{"head_pool", "max"}};
      if (value == "catavgmax") return {{"head_pool", "average+max"}};
    }
    if ((argument == "act_layer" || argument == "activation") &&
        (value == "gelu" || value == "tanh"))
      return {{"activation", value}};
    if (argument == "bn_eps" && value.find_first_not_of("0123456789.e-") == std::string::npos)
      return {{"epsilon", value}};
    if (argument == "output_stride" && (value == "8" || value == "16"))
      return {{"output_stride", value}};
    if (argument == "aa_layer" && (averages || value.starts_with("blur")))
      return {{"antialias", averages ? "average" : "blur"}};
    return {};
  }

  // Heads beside the one that answers, which are named; what fc2 does is not known.
  bool is_harmless(const std::string& tensor) const override {
    const std::string module = tensor.substr(0, tensor.find('.'));
    for (const char* branch : {"branch", "exit", "aux"}) {
      if (module.starts_with(branch)) return true;
    }
    for (const std::string head : {"fc_", "linear_", "classifier_", "head_"}) {
      if (module.starts_with(head)) return is_task(module.substr(head.size()));
    }
    return module.ends_with("_head") && is_task(module.substr(0, module.size() - 5));
  }

  std::map<std::string, std::string> settings() const override {
    std::map<std::string, std::string> same = head_settings();
    for (const std::string& name : resnet_settings()) same.emplace(name, name);
    return same;
  }

  Settings read_config(const JsonField& config, const Weights& weights,
                       const Settings& given) const override {
    return read_resnet_config(config, weights, given);
  }

  std::optional<Architecture> recognise(const Weights& weights,
                                        const Settings& settings) const override {
    const auto config = recognise_resnet(weights, settings);
    if (!config) return std::nullopt;
    return describe_resnet(*config, settings);
  }

  // One class would be answered for whatever is asked, always sure.
  void check_checkpoint(const Architecture& architecture, const std::string& file,
                        bool) const override {
    refuse_one_logit(architecture, file);
  }

  Graph build(const Architecture& architecture, const Weights& weights,
              const Shape& input_shape) const override {
    const auto config = recognise_resnet(weights, architecture.settings);
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
