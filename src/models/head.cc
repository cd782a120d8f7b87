#include "head.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>

#include "add.h"
#include "batch_norm.h"
#include "elementwise.h"
#include "linear.h"
#include "sidenet/error.h"
#include "split.h"

namespace sidenet::models {
namespace {

using Kind = HeadLayer::Kind;

constexpr int kMostNested = 3;
constexpr std::size_t kMostLayers = 32, kMostNamed = 4;

const std::string* find(const Settings& settings, const char* key) {
  const auto found = settings.find(key);
  return found == settings.end() ? nullptr : &found->second;
}

[[noreturn]] void refuse(const Weights& weights, const char* setting, const std::string& expected,
                         const std::string& got) {
  throw Error(weights.file() + ": setting '" + setting + "': expected " + expected + ", got '" +
              got + "'");
}

// The number that a module of nn.Sequential is called by; -1: another name.
int number_of(const std::string& name) {
  int number = -1;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == name.data() + name.size() ? number : -1;
}

bool has_module(const Weights& weights, const std::string& module) {
  const std::string path = module + ".";
  for (auto at = weights.tensors().lower_bound(path);
       at != weights.tensors().end() && at->first.starts_with(path); ++at) {
    if (at->first.ends_with(".weight")) return true;
  }
  return false;
}

/// Reads the layers of modules in the order in which they answer.
class Layers {
 public:
  explicit Layers(const Weights& weights) : weights_(weights) {}

  /// A module behind those that were added before; `may_activate`: an activation may stand between.
  void add(const std::string& module, bool may_activate, int depth = 0) {
    if (weights_.has(module + ".weight")) return add_layer(module, may_activate);
    std::vector<std::string> children = children_of(module);
    if (children.empty() || depth == kMostNested) refuse_module(module);
    const bool has_numbers = number_of(children.front()) >= 0;
    if (!has_numbers) children = chained(module, children);
    int before = -1;
    for (const std::string& child : children) {
      const int number = has_numbers ? number_of(child) : before + 2;
      const bool has_gap = before < 0 ? may_activate : number > before + 1;
      add(module + "." + child, has_gap, depth + 1);
      before = number;
    }
  }

  /// With an activation at the first place for one between two linear layers; `of_modules`: at the
  /// last.
  std::vector<HeadLayer> take(bool at_last) {
    std::vector<HeadLayer> layers;
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (i > 0 && place_before(i, at_last))
        layers.push_back({Kind::activation, found_[i - 1].layer.module});
      layers.push_back(found_[i].layer);
    }
    return layers;
  }

 private:
  struct Found {
    HeadLayer layer;
    bool may_activate = false;  ///< between the one before and this
  };

  void add_layer(const std::string& module, bool may_activate) {
    if (found_.size() == kMostLayers)
      throw Error(weights_.file() + ": head '" + shown_name(module) + "': expected at most " +
                  std::to_string(kMostLayers) + " layers, got more");
    const std::size_t rank = weights_.tensors().at(module + ".weight").rank();
    const bool is_norm = rank == 1 && weights_.has(module + ".running_mean");
    if (!is_norm && rank != 2) refuse_module(module);
    found_.push_back({{is_norm ? Kind::batch_norm : Kind::linear, module}, may_activate});
  }

  std::vector<std::string> children_of(const std::string& module) const {
    const std::string path = module + ".";
    std::set<std::string> names;
    for (auto at = weights_.tensors().lower_bound(path);
         at != weights_.tensors().end() && at->first.starts_with(path); ++at) {
      const std::string rest = at->first.substr(path.size());
      if (const std::size_t dot = rest.find('.'); dot != std::string::npos)
        names.insert(rest.substr(0, dot));
    }
    std::vector<std::string> children(names.begin(), names.end());
    std::stable_sort(children.begin(), children.end(),
                     [](const auto& a, const auto& b) { return number_of(a) < number_of(b); });
    return children;
  }

  // Layers with names (fc1, fc2, output), in the one order in which each reads what the one before
  // gives.
  std::vector<std::string> chained(const std::string& module,
                                   std::vector<std::string> names) const {
    if (names.size() == 1) return names;
    if (names.size() > kMostNamed) refuse_module(module);
    std::vector<std::string> chain;
    std::sort(names.begin(), names.end());
    do {
      if (!is_chain(module, names)) continue;
      if (!chain.empty()) refuse_module(module);
      chain = names;
    } while (std::next_permutation(names.begin(), names.end()));
    if (chain.empty()) refuse_module(module);
    return chain;
  }

  bool is_chain(const std::string& module, const std::vector<std::string>& names) const {
    std::int64_t features = -1;
    for (const std::string& name : names) {
      const auto found = weights_.tensors().find(module + "." + name + ".weight");
      if (found == weights_.tensors().end() || found->second.rank() != 2) return false;
      if (features >= 0 && found->second.dim(1) != features) return false;
      features = found->second.dim(0);
    }
    return true;
  }

  [[noreturn]] void refuse_module(const std::string& module) const {
    throw Error(weights_.file() + ": head '" + shown_name(module) +
                "': expected a linear layer, a batch norm, or an nn.Sequential of them whose order "
                "shows: --head lists its modules in their order");
  }

  // Whether this is the first, or last, place between the linear layers around it.
  bool place_before(std::size_t i, bool at_last) const {
    const auto is_linear = [&](std::size_t at) { return found_[at].layer.kind == Kind::linear; };
    if (!found_[i].may_activate) return false;
    std::size_t before = i, behind = i;  // the linear layers
    while (before > 0 && !is_linear(before - 1)) --before;
    while (behind < found_.size() && !is_linear(behind)) ++behind;
    if (before == 0 || behind == found_.size()) return false;
    if (at_last)
      return std::none_of(found_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                          found_.begin() + static_cast<std::ptrdiff_t>(behind) + 1,
                          [](const Found& found) { return found.may_activate; });
    return std::none_of(found_.begin() + static_cast<std::ptrdiff_t>(before),
                        found_.begin() + static_cast<std::ptrdiff_t>(i),
                        [](const Found& found) { return found.may_activate; });
  }

  const Weights& weights_;
  std::vector<Found> found_;
};

// fc1, fc2, … where each reads what the one before gives; else they are heads beside each other.
std::vector<std::string> numbered_modules(const Weights& weights, const std::string& name) {
  std::vector<std::string> modules;
  std::int64_t features = -1;
  for (int i = 1;; ++i) {
    const std::string module = name + std::to_string(i);
    const auto found = weights.tensors().find(module + ".weight");
    if (found == weights.tensors().end()) break;
    if (found->second.rank() != 2 || (features >= 0 && found->second.dim(1) != features)) return {};
    features = found->second.dim(0);
    modules.push_back(module);
  }
  return modules;
}

std::vector<std::string> modules_of(const Weights& weights, std::span<const char* const> usual,
                                    const Settings& settings) {
  if (const std::string* given = find(settings, "head")) {
    std::vector<std::string> modules = split(*given, ',');
    std::set<std::string> seen;
    for (const std::string& module : modules) {
      if (!has_module(weights, module) || !seen.insert(module).second)
        refuse(weights, "head", "modules with tensors, each once, with commas between", *given);
    }
    return modules;
  }
  for (const std::string name : usual) {
    if (has_module(weights, name)) return {name};
    if (auto numbered = numbered_modules(weights, name); !numbered.empty()) return numbered;
  }
  return {};
}

kernels::Activation activation_of(const Weights& weights, const Settings& settings) {
  const std::string* given = find(settings, "head_activation");
  if (!given) return kernels::Activation::relu;
  const auto named = kernels::activation_named(*given);
  if (!named) refuse(weights, "head_activation", "relu, gelu, gelu_tanh, tanh or none", *given);
  return *named;
}

void read_sizes(const Weights& weights, const Settings& settings, Head& head) {
  const HeadLayer &first = head.layers.front(), &last = head.layers.back();
  const Tensor front =
      weights.get_rank(first.module + ".weight", first.kind == Kind::linear ? 2 : 1);
  if (last.kind != Kind::linear)
    throw Error(weights.file() + ": head '" + shown_name(last.module) +
                "': expected a linear layer as the last, got a batch norm");
  head.features = static_cast<int>(front.dim(front.rank() - 1));
  head.classes = static_cast<int>(weights.get_rank(last.module + ".weight", 2).dim(0));
  if (head.classes < 1)
    throw Error(weights.file() + ": tensor '" + last.module +
                ".weight': expected at least one class");
  const std::string* one_logit = find(settings, "one_logit");
  if (!one_logit) return;
  if (*one_logit != "sigmoid") refuse(weights, "one_logit", "sigmoid", *one_logit);
  if (head.classes != 1)
    refuse(weights, "one_logit",
           "none, as the head has " + std::to_string(head.classes) + " logits", *one_logit);
  head.is_sigmoid = true;
  head.classes = 2;
}

// A first row of zeros: softmax of (0, z) is the sigmoid of z.
Tensor behind_zeros(const Tensor& rows) {
  const Tensor values = rows.to_f32();
  Shape shape = values.shape();
  shape[0] = 2;
  Tensor result(DType::f32, shape);
  std::copy_n(values.data<float>(), values.size(), result.mutable_data<float>() + values.size());
  return result;
}

// Of several parts side by side the i-th one's entries of a tensor's last axis.
Tensor share_of(const Tensor& whole, std::size_t i, std::size_t parts) {
  if (parts == 1) return whole;
  const Tensor values = whole.to_f32();
  Shape shape = values.shape();
  const std::int64_t columns = shape.back(), share = columns / static_cast<std::int64_t>(parts);
  shape.back() = share;
  Tensor result(DType::f32, shape);
  for (std::int64_t row = 0; row < values.size() / columns; ++row)
    std::copy_n(values.data<float>() + row * columns + static_cast<std::int64_t>(i) * share, share,
                result.mutable_data<float>() + row * share);
  return result;
}

std::string part_name(const std::string& module, std::size_t i, std::size_t parts) {
  return parts == 1 ? module : module + ".part" + std::to_string(i + 1);
}

// W (a, b) + c is W1 a + (W2 b + c).
NodeId add_linear(const Head& head, Module net, const HeadLayer& layer, std::int64_t features,
                  const std::vector<NodeId>& parts) {
  const Weights weights = net.weights.sub(layer.module);
  const bool is_last = &layer == &head.layers.back();
  const std::int64_t out =
      !is_last ? weights.get_rank("weight", 2).dim(0) : (head.is_sigmoid ? 1 : head.classes);
  Tensor weight = weights.get("weight", {out, features});
  Tensor bias = weights.has("bias") ? weights.get("bias", {out}) : Tensor();
  if (is_last && head.is_sigmoid) {
    weight = behind_zeros(weight);
    if (!bias.empty()) bias = behind_zeros(bias);
  }
  const std::size_t count = parts.size();
  NodeId x = -1;
  for (std::size_t i = 0; i < count; ++i) {
    const NodeId share = net.graph.add(
        part_name(layer.module, i, count),
        std::make_shared<ops::Linear>(share_of(weight, i, count), i + 1 < count ? Tensor() : bias),
        {parts[i]});
    x = i == 0 ? share : net.graph.add(layer.module, std::make_shared<ops::Add>(), {x, share});
  }
  return x;
}

void add_norm(Module net, const std::string& module, std::int64_t features,
              std::vector<NodeId>& parts) {
  const Weights norm = net.weights.sub(module);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto share = [&](const char* name) {
      return share_of(norm.get(name, {features}), i, parts.size());
    };
    parts[i] = net.graph.add(
        part_name(module, i, parts.size()),
        std::make_shared<ops::BatchNorm>(share("weight"), share("bias"), share("running_mean"),
                                         share("running_var"), net.epsilon),
        {parts[i]});
  }
}

}  // namespace

bool Head::has_activation() const {
  return std::any_of(layers.begin(), layers.end(),
                     [](const HeadLayer& layer) { return layer.kind == Kind::activation; });
}

std::string Head::text() const {
  std::string text;
  for (const HeadLayer& layer : layers) {
    text += text.empty() ? "" : ", ";
    text += layer.kind == Kind::activation ? kernels::activation_name(activation)
                                           : shown_name(layer.module);
  }
  return text;
}

std::map<std::string, std::string> head_settings() {
  return {{"head", "head"}, {"head_activation", "head_activation"}, {"one_logit", "one_logit"}};
}

std::optional<Head> find_head(const Weights& weights, std::span<const char* const> usual,
                              const Settings& settings) {
  const std::vector<std::string> modules = modules_of(weights, usual, settings);
  if (modules.empty()) {
    for (const char* key : {"head_activation", "one_logit"}) {
      if (const std::string* given = find(settings, key))
        refuse(weights, key, "none, as there is no head", *given);
    }
    return std::nullopt;
  }
  Layers layers(weights);
  for (const std::string& module : modules) layers.add(module, module != modules.front());
  Head head;
  head.layers = layers.take(modules.size() > 1);
  head.activation = activation_of(weights, settings);
  if (const std::string* given = find(settings, "head_activation"); given && !head.has_activation())
    refuse(weights, "head_activation", "none, as the head has no place for one", *given);
  if (head.activation == kernels::Activation::none)
    std::erase_if(head.layers,
                  [](const HeadLayer& layer) { return layer.kind == Kind::activation; });
  read_sizes(weights, settings, head);
  return head;
}

void assume_head(const Head& head, const Settings& settings, std::vector<Assumption>& assumptions) {
  const auto source = [&](const char* key, AssumptionSource otherwise) {
    return find(settings, key) ? AssumptionSource::config : otherwise;
  };
  if (head.layers.size() > 1 || find(settings, "head"))
    assumptions.push_back({"head", head.text(),
                           source("head", head.has_activation() ? AssumptionSource::default_value
                                                                : AssumptionSource::weights)});
  if (head.has_activation() || find(settings, "head_activation"))
    assumptions.push_back({"head activation", kernels::activation_name(head.activation),
                           source("head_activation", AssumptionSource::default_value)});
  if (head.is_sigmoid)
    assumptions.push_back({"one logit", "sigmoid", source("one_logit", AssumptionSource::weights)});
}

NodeId build_head(const Head& head, Module net, std::vector<NodeId> parts) {
  std::int64_t features = 0;
  for (const NodeId part : parts) features += net.graph.node(part).shape.at(0);
  for (const HeadLayer& layer : head.layers) {
    if (layer.kind == Kind::linear) {
      parts = {add_linear(head, net, layer, features, parts)};
      features = net.graph.node(parts.front()).shape.at(0);
    } else if (layer.kind == Kind::batch_norm) {
      add_norm(net, layer.module, features, parts);
    } else {
      parts = {net.graph.add(layer.module + ".activation",
                             std::make_shared<ops::Elementwise>(head.activation), {parts.front()})};
    }
  }
  return parts.front();
}

void refuse_one_logit(const Architecture& architecture, const std::string& file) {
  if (architecture.classes != 1) return;
  throw Error(
      file +
      ": the head has one logit, a regression's or a sigmoid's, which no weight tells: "
      "--one-logit sigmoid answers two classes, the second with probability sigmoid(logit)");
}

}  // namespace sidenet::models
