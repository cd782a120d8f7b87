#include "module_names.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "foreign_resnets.h"
#include "split.h"

namespace sidenet::models {
namespace {

using Tensors = std::map<std::string, Tensor>;
using Parts = std::vector<std::string>;

constexpr std::array<std::string_view, 3> kStageLists{"stages", "layers", "blocks"};
constexpr std::array<std::string_view, 6> kBlockLists{"left", "block",  "residual_function",
                                                      "main", "layers", "residual"};
constexpr std::array<std::string_view, 6> kShortcuts{"right",      "skip", "identity_downsample",
                                                     "projection", "proj", "identity_conv"};
constexpr std::array<std::string_view, 3> kStems{"pre", "stem", "conv1"};

template <std::size_t kSize>
bool is_among(const std::array<std::string_view, kSize>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string joined(const Parts& parts, std::size_t count) {
  std::string name;
  for (std::size_t i = 0; i < count; ++i) name += (i == 0 ? "" : ".") + parts[i];
  return name;
}

// Small numbers alone: these count stages, blocks and layers.
int small_number(const std::string& text) {
  return is_number(text) && text.size() <= 3 ? std::stoi(text) : -1;
}

/// What the modules of one name are, by the tensors that stand under them.
class Renamer {
 public:
  Renamer(const Tensors& tensors, const std::string& name)
      : tensors_(tensors), parts_(split(name, '.')) {}

  std::string renamed() {
    Parts result;
    for (std::size_t i = 0; i < parts_.size();) {
      const std::size_t taken = take(i, result);
      if (taken == 0) result.push_back(parts_[i]);
      i += std::max<std::size_t>(taken, 1);
    }
    return joined(result, result.size());
  }

 private:
  // How many parts from i on were replaced; 0: none.
  std::size_t take(std::size_t i, Parts& result) {
    const std::string& part = parts_[i];
    const bool in_block = i > 0 && is_place(parts_[i - 1]);
    const int next = i + 1 < parts_.size() ? small_number(parts_[i + 1]) : -1;
    if (const int stage = stage_of(part); stage > 0) return put(result, "layer", stage, 1);
    if (is_among(kStageLists, part) && next >= 0 && i + 2 < parts_.size() &&
        is_number(parts_[i + 2]))
      return put(result, "layer", next + 1, 2);
    if (const int unit = unit_of(i); unit > 0) return put(result, "", unit - 1, 1);
    if (in_block && is_among(kBlockLists, part) && next >= 0) return take_block(i, next, result);
    if (in_block && part == "body") return take_body(i, result);
    if (in_block && (is_among(kShortcuts, part) || part == "shortcut" || part == "downsample"))
      return take_shortcut(i, result);
    if (!in_block && (is_among(kStems, part) || part == "init_block")) return take_stem(i, result);
    return 0;
  }

  static std::size_t put(Parts& result, const std::string& name, int number, std::size_t taken) {
    result.push_back(name + std::to_string(number));
    return taken;
  }

  // A block's number in its stage, or pytorchcv's.
  static bool is_place(const std::string& part) {
    return is_number(part) || (part.starts_with("unit") && is_number(part.substr(4)));
  }

  // "conv2_x" of the papers.
  static int stage_of(const std::string& part) {
    const bool is_stage = part.size() == 7 && part.starts_with("conv") && part.ends_with("_x");
    return is_stage ? small_number(part.substr(4, 1)) - 1 : 0;
  }

  int unit_of(std::size_t i) const {
    const bool is_unit =
        i > 0 && parts_[i - 1].starts_with("stage") && parts_[i].starts_with("unit");
    return is_unit ? small_number(parts_[i].substr(4)) : 0;
  }

  // Convolution, batch norm, ReLU, convolution, …: nothing else has a place there.
  std::size_t take_block(std::size_t i, int layer, Parts& result) const {
    if (layer % 3 == 2 || !is_conv(path(i) + ".0") || !is_norm(path(i) + ".1")) return 0;
    const std::string module = path(i) + "." + std::to_string(layer);
    if (layer % 3 == 0 ? !is_conv(module) : !is_norm(module)) return 0;
    return put(result, layer % 3 == 0 ? "conv" : "bn", layer / 3 + 1, 2);
  }

  // pytorchcv's "body.conv1.conv" and "body.conv1.bn".
  std::size_t take_body(std::size_t i, Parts& result) const {
    if (i + 2 >= parts_.size() || !parts_[i + 1].starts_with("conv")) return 0;
    // Of bottlenecks its networks' names alone tell where the stride is (resnet50, resnet50b).
    if (is_conv(path(i) + ".conv3.conv")) return 0;
    const int number = small_number(parts_[i + 1].substr(4));
    const std::string& kind = parts_[i + 2];
    return number > 0 && (kind == "conv" || kind == "bn") ? put(result, kind, number, 3) : 0;
  }

  std::size_t take_shortcut(std::size_t i, Parts& result) const {
    if (i + 2 >= parts_.size()) return 0;
    const std::string& kind = parts_[i + 1];
    const bool is_first = kind == "conv" || kind == "0", is_second = kind == "bn" || kind == "1";
    const bool is_usual = parts_[i] == "shortcut" || parts_[i] == "downsample";
    if ((!is_first && !is_second) || (is_usual && is_number(kind))) return 0;
    result.push_back(is_usual ? parts_[i] : "shortcut");
    result.push_back(is_first ? "0" : "1");
    return 2;
  }

  // One convolution and its norm: several are another stem.
  std::size_t take_stem(std::size_t i, Parts& result) const {
    for (const auto& [conv, norm] :
         {std::pair{".0", ".1"}, {".conv", ".bn"}, {".conv.conv", ".conv.bn"}}) {
      if (!is_conv(path(i) + conv) || !is_norm(path(i) + norm) || has_more(path(i))) continue;
      const std::size_t parts = conv == std::string(".conv.conv") ? 3 : 2;
      if (i + parts >= parts_.size()) return 0;
      const std::string module = joined(parts_, i + parts);
      if (module != path(i) + conv && module != path(i) + norm) return 0;
      result.push_back(module == path(i) + conv ? "conv1" : "bn1");
      return parts;
    }
    return 0;
  }

  bool has_more(const std::string& stem) const {
    for (const char* child : {".2", ".3", ".4"}) {
      if (tensors_.contains(stem + child + ".weight")) return true;
    }
    return false;
  }

  std::string path(std::size_t i) const { return joined(parts_, i + 1); }
  bool is_conv(const std::string& module) const {
    const auto found = tensors_.find(module + ".weight");
    return found != tensors_.end() && found->second.rank() == 4;
  }
  bool is_norm(const std::string& module) const {
    return tensors_.contains(module + ".running_mean");
  }

  const Tensors& tensors_;
  const Parts parts_;
};

}  // namespace

std::string with_usual_modules(const Tensors& tensors, const std::string& name) {
  constexpr std::size_t kLongest = 256;  // far beyond any network's
  return name.size() > kLongest ? name : Renamer(tensors, name).renamed();
}

}  // namespace sidenet::models
