#include <charconv>

#include "resnet.h"

namespace sidenet::models {
namespace {

const char* text(Zeros zeros) {
  return zeros == Zeros::both ? "both" : zeros == Zeros::behind ? "behind" : "before";
}

const char* text(Smoothing smoothing) {
  return smoothing == Smoothing::none ? "none" : smoothing == Smoothing::blur ? "blur" : "average";
}

class Assumptions {
 public:
  explicit Assumptions(const Settings& settings) : settings_(settings) {}

  void told(const std::string& what, const std::string& value) {
    all_.push_back({what, value, AssumptionSource::weights});
  }
  void usual(const std::string& what, const std::string& value) {
    all_.push_back({what, value, AssumptionSource::default_value});
  }
  /// What the setting of that name says.
  void assume(const std::string& what, const std::string& value, const char* setting) {
    all_.push_back(
        {what, value,
         settings_.contains(setting) ? AssumptionSource::config : AssumptionSource::default_value});
  }
  std::vector<Assumption> take() { return std::move(all_); }

 private:
  const Settings& settings_;
  std::vector<Assumption> all_;
};

void assume_stem(const ResNetConfig& config, Assumptions& list) {
  const std::string kernel = std::to_string(config.stem_kernel);
  list.told("stem", (config.deep_stem ? "three of " : "") + kernel + "x" + kernel + ", " +
                        std::to_string(config.stem_channels) + " channels");
  list.assume("stem stride", std::to_string(config.stem_stride), "stem_stride");
  list.assume("stem padding", std::to_string(config.stem_padding), "stem_padding");
  if (config.stem_conv_pool) {
    list.told("stem pool", "convolution");
  } else {
    list.assume("stem pool", config.stem_pool ? "max" : "none", "stem_pool");
  }
}

void assume_strides(const ResNetConfig& config, Assumptions& list) {
  std::string strides;
  for (const int stride : config.strides)
    strides += (strides.empty() ? "" : ",") + std::to_string(stride);
  list.assume("strides", strides, "strides");
  list.assume("output stride",
              config.output_stride == ResNetConfig::kAnyStride
                  ? "none"
                  : std::to_string(config.output_stride),
              "output_stride");
  list.assume("antialias", text(config.smoothing), "antialias");
  if (config.bottleneck) {
    list.assume("bottleneck stride", config.stride_in_1x1 ? "1x1" : "3x3", "bottleneck_stride");
  } else {
    list.assume("basic stride", config.stride_in_second ? "second" : "first", "basic_stride");
  }
}

void assume_shortcuts(const ResNetConfig& config, Assumptions& list) {
  if (config.shortcut.empty()) {
    list.assume("shortcut zeros", text(config.zeros), "shortcut_zeros");
    list.assume("shortcut pool", config.shortcut_averages ? "average" : "none", "shortcut_pool");
    return;
  }
  list.told("shortcut",
            std::string(config.shortcut_means ? "2x2 average, " : "") + "1x1 convolution");
  if (config.norms == Norms::in_front)
    list.assume("shortcut input", config.shortcut_activated ? "activated" : "raw",
                "shortcut_input");
}

}  // namespace

std::vector<Assumption> assumptions_of(const ResNetConfig& config, const Settings& settings) {
  Assumptions list(settings);
  assume_stem(config, list);
  assume_strides(config, list);
  assume_shortcuts(config, list);
  if (config.norm_groups > 0)
    list.assume("norm groups", std::to_string(config.norm_groups), "norm_groups");
  if (config.norms == Norms::in_front) list.told("norms", "in front of convolutions");
  if (config.norms == Norms::fused) list.usual("norms", "none, fused into convolutions");
  if (!config.attention.empty()) {
    list.told("attention", config.attention);
    list.usual("attention gate", config.attention == "efficient" ? "sigmoid" : "relu, sigmoid");
  }
  list.assume("activation", kernels::activation_name(config.activation), "activation");
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, config.epsilon).ptr;
  list.assume("epsilon", std::string(digits, end), "epsilon");
  list.usual("convolutions", "zeros around");
  constexpr const char* kPools[] = {"average", "max", "max+average", "average+max"};
  list.assume("head pool", kPools[static_cast<int>(config.head_pool)], "head_pool");
  std::vector<Assumption> assumptions = list.take();
  assume_head(config.head, settings, assumptions);
  return assumptions;
}

}  // namespace sidenet::models
