#include "foreign_resnets.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

#include "sidenet/error.h"

namespace sidenet::models {
namespace {

using Tensors = std::map<std::string, Tensor>;

constexpr std::size_t kMostNetworks = 16;

// "encoder.stages.0" and "layers.1.layer.2.convolution.weight", say: takes the first component.
std::string take(std::string& rest) {
  const std::size_t dot = std::min(rest.find('.'), rest.size());
  std::string first = rest.substr(0, dot);
  rest.erase(0, std::min(dot + 1, rest.size()));
  return first;
}

int integer(const std::string& digits) {
  int value = -1;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() &&
                 value < (1 << 20)
             ? value
             : -1;
}

bool take_all(std::string& rest, std::string_view path) {
  if (!rest.starts_with(path)) return false;
  rest.erase(0, path.size());
  return true;
}

// transformers' ResNetModel: "encoder.stages.0.layers.1.layer.2.convolution.weight" is
// "layer1.1.conv3.weight".
std::string of_transformers(const std::string& name) {
  std::string rest = name;
  if (take_all(rest, "embedder.embedder.convolution.")) return "conv1." + rest;
  if (take_all(rest, "embedder.embedder.normalization.")) return "bn1." + rest;
  if (!take_all(rest, "encoder.stages.")) return name;
  const int stage = integer(take(rest));
  if (stage < 0 || !take_all(rest, "layers.")) return name;
  const std::string block = "layer" + std::to_string(stage + 1) + "." + take(rest) + ".";
  if (take_all(rest, "shortcut.convolution.")) return block + "downsample.0." + rest;
  if (take_all(rest, "shortcut.normalization.")) return block + "downsample.1." + rest;
  if (!take_all(rest, "layer.")) return name;
  const int layer = integer(take(rest));
  if (layer < 0) return name;
  const std::string number = std::to_string(layer + 1) + ".";
  if (take_all(rest, "convolution.")) return block + "conv" + number + rest;
  if (take_all(rest, "normalization.")) return block + "bn" + number + rest;
  return name;
}

// A RegNet's names are the same, and its stem is another.
void check_stem(const Tensor& weight, const std::string& name, const std::string& file) {
  if (weight.rank() == 4 && weight.dim(2) == 7) return;
  throw Error(file + ": tensor '" + name +
              "': expected a 7x7 kernel, as transformers' ResNets have, "
              "got " +
              to_string(weight.shape()) + " (of a RegNet?)");
}

// Prefixes of the tensors that end in `anchor`.
std::vector<std::string> prefixes_of(const Tensors& tensors, const std::string& anchor) {
  std::vector<std::string> prefixes;
  for (const auto& [name, tensor] : tensors) {
    const bool is_one = name == anchor || name.ends_with("." + anchor);
    if (is_one && prefixes.size() < kMostNetworks)
      prefixes.push_back(name.substr(0, name.size() - anchor.size()));
  }
  return prefixes;
}

/// A network's children in an nn.Sequential: convolution, batch norm, ReLU, max pooling, stages,
/// pooling, and what is behind it.
class Numbered {
 public:
  Numbered(const Tensors& tensors, std::string prefix)
      : tensors_(tensors), prefix_(std::move(prefix)) {
    while (first_ < kMostChildren && !has_stage(first_)) ++first_;
    for (behind_ = first_; has_stage(behind_);) ++behind_;
  }

  bool is_one() const {
    const auto stem = tensors_.find(prefix_ + "0.weight");
    return stem != tensors_.end() && stem->second.rank() == 4 &&
           tensors_.contains(prefix_ + "1.running_mean") && behind_ > first_;
  }

  // A maximum pooling has no weights, and its place tells of it.
  void read_stem(const std::string& file, Settings& settings) const {
    if (first_ != 3 && first_ != 4)
      throw Error(file + ": nn.Sequential '" + prefix_ +
                  "': expected a convolution, a batch norm, a ReLU and maybe a max pooling in "
                  "front of the stages, got them from number " +
                  std::to_string(first_) + " on");
    settings["stem_pool"] = first_ == 4 ? "max" : "none";
  }

  std::string rename(const std::string& name) const {
    std::string rest = name;
    const int child = integer(take(rest));
    if (child == 0) return "conv1." + rest;
    if (child == 1) return "bn1." + rest;
    if (child >= first_ && child < behind_)
      return "layer" + std::to_string(child - first_ + 1) + "." + rest;
    return child >= behind_ ? "head." + name : name;
  }

 private:
  static constexpr int kMostChildren = 16;

  bool has_stage(int child) const {
    return tensors_.contains(prefix_ + std::to_string(child) + ".0.conv1.weight");
  }

  const Tensors& tensors_;
  std::string prefix_;
  int first_ = 2, behind_ = 0;
};

// Prefixes of what looks like an nn.Sequential with stages: "0." of "0.4.0.conv1.weight".
std::set<std::string> numbered_prefixes(const Tensors& tensors) {
  const std::string block = ".0.conv1.weight";
  std::set<std::string> prefixes;
  for (const auto& [name, tensor] : tensors) {
    if (!name.ends_with(block)) continue;
    const std::string stage = name.substr(0, name.size() - block.size());
    const std::size_t begin = stage.rfind('.') + 1;  // 0 where there is no dot
    if (is_number(stage.substr(begin)) && prefixes.size() < kMostNetworks)
      prefixes.insert(stage.substr(0, begin));
  }
  return prefixes;
}

}  // namespace

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::vector<NameRule> foreign_resnets(const Tensors& tensors, const std::string& file,
                                      Settings& settings) {
  std::vector<NameRule> rules;
  const std::string stem = "embedder.embedder.convolution.weight";
  for (const std::string& prefix : prefixes_of(tensors, stem)) {
    check_stem(tensors.at(prefix + stem), prefix + stem, file);
    rules.push_back({prefix, of_transformers});
  }
  if (!rules.empty() || !prefixes_of(tensors, "layer1.0.conv1.weight").empty()) return rules;
  for (const std::string& prefix : numbered_prefixes(tensors)) {
    const Numbered numbered(tensors, prefix);
    if (!numbered.is_one()) continue;
    numbered.read_stem(file, settings);
    rules.push_back(
        {prefix, [numbered](const std::string& name) { return numbered.rename(name); }});
  }
  return rules;
}

std::string with_rules(const std::vector<NameRule>& rules, const std::string& name) {
  const NameRule* longest = nullptr;
  for (const NameRule& rule : rules) {
    if (name.starts_with(rule.prefix) &&
        (longest == nullptr || rule.prefix.size() > longest->prefix.size()))
      longest = &rule;
  }
  return longest == nullptr
             ? name
             : longest->prefix + longest->rename(name.substr(longest->prefix.size()));
}

}  // namespace sidenet::models
