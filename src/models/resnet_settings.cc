#include <charconv>

#include "resnet.h"
#include "sidenet/error.h"

namespace sidenet::models {
namespace {

class Reader {
 public:
  Reader(const Weights& weights, const Settings& settings)
      : file_(weights.file()), settings_(settings) {}

  const std::string* find(const char* key) const {
    const auto found = settings_.find(key);
    return found == settings_.end() ? nullptr : &found->second;
  }
  [[noreturn]] void refuse(const char* key, const std::string& expected) const {
    throw Error(file_ + ": setting '" + key + "': expected " + expected + ", got " + "'" +
                *find(key) + "'");
  }
  template <typename Number>
  Number number(const char* key, const std::string& text, Number low, Number high,
                const std::string& expected) const {
    Number value{};
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc() || parsed.ptr != end || !(value >= low && value <= high))
      refuse(key, expected);
    return value;
  }
  /// Whether the setting is `yes`, or the default where it is not given.
  bool choice(const char* key, const char* yes, const char* no, bool otherwise) const {
    const std::string* given = find(key);
    if (!given) return otherwise;
    if (*given != yes && *given != no) refuse(key, std::string(yes) + " or " + no);
    return *given == yes;
  }

 private:
  const std::string& file_;
  const Settings& settings_;
};

std::vector<int> stage_strides(const Reader& settings, std::size_t stages) {
  std::vector<int> strides(stages, 2);
  strides.front() = 1;
  const std::string* given = settings.find("strides");
  if (!given) return strides;
  const std::string expected = std::to_string(stages) + " numbers of 1 or 2 with commas";
  std::size_t begin = 0, stage = 0;
  for (; begin <= given->size() && stage < stages; ++stage) {
    const std::size_t end = std::min(given->find(',', begin), given->size());
    strides[stage] = settings.number("strides", given->substr(begin, end - begin), 1, 2, expected);
    begin = end + 1;
  }
  if (stage != stages || begin <= given->size()) settings.refuse("strides", expected);
  return strides;
}

}  // namespace

void read_settings(const Weights& weights, const Settings& settings, ResNetConfig& config) {
  const Reader given(weights, settings);
  const bool large = config.stem_kernel == 7;
  config.stem_stride = large ? 2 : 1;
  config.stem_padding = config.stem_kernel / 2;
  if (const std::string* text = given.find("stem_stride"))
    config.stem_stride = given.number("stem_stride", *text, 1, 4, "1 to 4");
  if (const std::string* text = given.find("stem_padding"))
    config.stem_padding = given.number("stem_padding", *text, 0, 8, "0 to 8");
  config.stem_pool = given.choice("stem_pool", "max", "none", large);
  config.strides = stage_strides(given, config.blocks.size());
  if (given.find("bottleneck_stride") && !config.bottleneck)
    given.refuse("bottleneck_stride", "none, as its blocks have no 1x1 convolutions");
  config.stride_in_1x1 = given.choice("bottleneck_stride", "1x1", "3x3", false);
  if (given.find("shortcut_zeros") && !config.shortcut.empty())
    given.refuse("shortcut_zeros",
                 "none, as its shortcuts have weights ('" + config.shortcut + "')");
  config.zeros_behind = given.choice("shortcut_zeros", "behind", "both", false);
  if (const std::string* text = given.find("epsilon"))
    config.epsilon = given.number("epsilon", *text, 0.0, 1.0, "a number from 0 to 1");
  if (const std::string* text = given.find("activation")) {
    const auto named = kernels::activation_named(*text);
    if (!named || *named == kernels::Activation::none)
      given.refuse("activation", "relu, gelu, gelu_tanh or tanh");
    config.activation = *named;
  }
}

std::vector<Assumption> assumptions_of(const ResNetConfig& config, const Settings& settings) {
  std::vector<Assumption> assumptions;
  const auto assume = [&](const std::string& what, const std::string& value, const char* setting) {
    const bool given = setting != nullptr && settings.contains(setting);
    assumptions.push_back(
        {what, value, given ? AssumptionSource::config : AssumptionSource::default_value});
  };
  const std::string kernel = std::to_string(config.stem_kernel);
  assumptions.push_back(
      {"stem", kernel + "x" + kernel + ", " + std::to_string(config.stem_channels) + " channels",
       AssumptionSource::weights});
  assume("stem stride", std::to_string(config.stem_stride), "stem_stride");
  assume("stem padding", std::to_string(config.stem_padding), "stem_padding");
  assume("stem pool", config.stem_pool ? "max" : "none", "stem_pool");
  std::string strides;
  for (const int stride : config.strides)
    strides += (strides.empty() ? "" : ",") + std::to_string(stride);
  assume("strides", strides, "strides");
  if (config.bottleneck)
    assume("bottleneck stride", config.stride_in_1x1 ? "1x1" : "3x3", "bottleneck_stride");
  if (!config.shortcut.empty()) {
    assumptions.push_back({"shortcut", "1x1 convolution", AssumptionSource::weights});
  } else {
    assume("shortcut zeros", config.zeros_behind ? "behind" : "both", "shortcut_zeros");
  }
  assume("activation", kernels::activation_name(config.activation), "activation");
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, config.epsilon).ptr;
  assume("epsilon", std::string(digits, end), "epsilon");
  assume("convolutions", "zeros around, no dilation", nullptr);
  assume("pool before head", "average", nullptr);
  assume_head(config.head, settings, assumptions);
  return assumptions;
}

}  // namespace sidenet::models
