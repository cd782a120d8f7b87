#include <charconv>
#include <initializer_list>

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

  /// Which of the values the setting is; `otherwise` where it is not given.
  int one_of(const char* key, std::initializer_list<const char*> values, int otherwise) const {
    const std::string* text = find(key);
    if (!text) return otherwise;
    std::string expected;
    int index = 0;
    for (const char* value : values) {
      if (*text == value) return index;
      const bool is_last = static_cast<std::size_t>(++index) == values.size();
      expected += (expected.empty() ? "" : is_last ? " or " : ", ") + std::string(value);
    }
    refuse(key, expected);
  }
  const std::string& file() const { return file_; }

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

// Of the stem and the strides.
void read_strides(const Reader& given, ResNetConfig& config) {
  const bool large = config.is_large();
  config.stem_stride = large ? 2 : 1;
  config.stem_padding = config.stem_kernel / 2;
  if (const std::string* text = given.find("stem_stride"))
    config.stem_stride = given.number("stem_stride", *text, 1, 4, "1 to 4");
  if (const std::string* text = given.find("stem_padding"))
    config.stem_padding = given.number("stem_padding", *text, 0, 8, "0 to 8");
  if (given.find("stem_pool") && config.stem_conv_pool)
    given.refuse("stem_pool", "none, as a convolution is in its place ('maxpool.0')");
  config.stem_pool = !config.stem_conv_pool && given.choice("stem_pool", "max", "none", large);
  config.strides = stage_strides(given, config.blocks.size());
  if (given.find("bottleneck_stride") && !config.bottleneck)
    given.refuse("bottleneck_stride", "none, as its blocks have no 1x1 convolutions");
  config.stride_in_1x1 = given.choice("bottleneck_stride", "1x1", "3x3", false);
  if (given.find("basic_stride") && config.bottleneck)
    given.refuse("basic_stride", "none, as its blocks have 1x1 convolutions");
  config.stride_in_second = given.choice("basic_stride", "second", "first", false);
  config.smoothing = static_cast<Smoothing>(
      given.one_of("antialias", {"none", "average", "blur"}, static_cast<int>(Smoothing::none)));
  if (config.smoothing != Smoothing::none && config.stride_in_1x1)
    given.refuse("antialias", "none, as the stride is in 1x1 convolutions");
  constexpr int kReached[] = {ResNetConfig::kAnyStride, 4, 8, 16};
  config.output_stride = kReached[given.one_of("output_stride", {"none", "4", "8", "16"}, 0)];
  constexpr std::size_t kMostStages = 8;
  if (config.output_stride != ResNetConfig::kAnyStride && config.blocks.size() > kMostStages)
    given.refuse("output_stride", "none, as it has more than 8 stages");
  if (config.output_stride != ResNetConfig::kAnyStride &&
      (config.shortcut_means || config.smoothing != Smoothing::none))
    given.refuse("output_stride", "none, as it averages what it strides over");
}

// Where norms stand in front, a 1x1 shortcut reads the block's input as it is or activated.
void read_shortcut_input(const Reader& given, ResNetConfig& config) {
  if (config.norms != Norms::in_front || config.shortcut.empty()) {
    if (given.find("shortcut_input"))
      given.refuse("shortcut_input",
                   "none, as it has no 1x1 shortcuts beside norms in front of convolutions");
    return;
  }
  // Collections use the same names for both with a norm behind the last block.
  if (config.shortcut == "shortcut" && !config.last_norm.empty() && !given.find("shortcut_input"))
    throw Error(
        given.file() +
        ": 1x1 shortcuts read a block's input raw or activated, which no weight tells: give "
        "--shortcut-input (WRN with biases: raw, and --basic-stride second)");
  config.shortcut_activated =
      given.choice("shortcut_input", "activated", "raw", config.shortcut != "downsample");
}

void read_shortcuts(const Reader& given, ResNetConfig& config) {
  for (const char* key : {"shortcut_zeros", "shortcut_pool"}) {
    if (given.find(key) && !config.shortcut.empty())
      given.refuse(key, "none, as its shortcuts have weights ('" + config.shortcut + "')");
  }
  config.zeros = static_cast<Zeros>(
      given.one_of("shortcut_zeros", {"both", "behind", "before"}, static_cast<int>(Zeros::both)));
  config.shortcut_averages = given.choice("shortcut_pool", "average", "none", false);
  read_shortcut_input(given, config);
}

void read_norm_groups(const Reader& given, ResNetConfig& config) {
  const std::string* text = given.find("norm_groups");
  if (!config.group_norms) {
    if (text) given.refuse("norm_groups", "none, as its norms have running statistics");
    return;
  }
  if (!text)
    throw Error(given.file() +
                ": norms have no 'running_var': expected batch norms, got another norm; GroupNorm "
                "is read with --norm-groups N (timm's: 32)");
  config.norm_groups = given.number("norm_groups", *text, 1, 1 << 16, "1 to 65536");
}

// fastai's heads begin with a batch norm of both.
void read_head_pool(const Reader& given, ResNetConfig& config) {
  const bool reads_both = config.head.features == 2 * config.channels;
  const bool begins_with_norm = config.head.layers.front().kind == HeadLayer::Kind::batch_norm;
  if (reads_both && !begins_with_norm && !given.find("head_pool"))
    throw Error(given.file() + ": the head reads " + std::to_string(config.head.features) +
                " features, and the network gives " + std::to_string(config.channels) +
                ": --head-pool max+average or average+max says that it reads both, in that order");
  config.head_pool = static_cast<HeadPool>(
      given.one_of("head_pool", {"average", "max", "max+average", "average+max"},
                   static_cast<int>(reads_both ? HeadPool::max_average : HeadPool::average)));
  const bool has_both = config.head_pool > HeadPool::max;
  if (has_both != reads_both)
    given.refuse("head_pool", reads_both
                                  ? "max+average or average+max, as the head reads twice the "
                                    "network's features"
                                  : "average or max, as the head reads the network's "
                                    "features once");
}

}  // namespace

std::vector<std::string> resnet_settings() {
  return {"stem_stride",    "stem_padding", "stem_pool",         "strides",        "output_stride",
          "antialias",      "basic_stride", "bottleneck_stride", "shortcut_zeros", "shortcut_pool",
          "shortcut_input", "head_pool",    "norm_groups",       "epsilon",        "activation"};
}

void read_settings(const Weights& weights, const Settings& settings, ResNetConfig& config) {
  const Reader given(weights, settings);
  read_strides(given, config);
  read_shortcuts(given, config);
  read_norm_groups(given, config);
  read_head_pool(given, config);
  if (const std::string* text = given.find("epsilon"))
    config.epsilon = given.number("epsilon", *text, 0.0, 1.0, "a number from 0 to 1");
  if (const std::string* text = given.find("activation")) {
    const auto named = kernels::activation_named(*text);
    if (!named || *named == kernels::Activation::none)
      given.refuse("activation", "relu, gelu, gelu_tanh or tanh");
    config.activation = *named;
  }
}

}  // namespace sidenet::models
