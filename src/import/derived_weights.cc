#include "derived_weights.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "sidenet/error.h"

namespace sidenet {
namespace {

using Tensors = std::map<std::string, Tensor>;

constexpr const char* kParametrizations = "parametrizations.";

/// One tensor that is computed, and of which.
struct Derived {
  enum class Kind { pruned, weight_norm, spectral_norm };
  Kind kind;
  std::string name;                ///< "layer1.0.conv1.weight"
  std::vector<std::string> parts;  ///< in the order of the formula
};

class DerivedWeights {
 public:
  explicit DerivedWeights(ModelData& data) : data_(data) {}

  void compute() {
    std::vector<Derived> found;
    for (const auto& [name, tensor] : data_.weights) {
      if (auto derived = derived_by(name)) found.push_back(*std::move(derived));
    }
    std::size_t counts[3] = {0, 0, 0};
    for (const Derived& derived : found) {
      if (data_.weights.contains(derived.name))
        fail(derived, "got it too, beside what it is computed of");
      Tensor weight = computed(derived);
      for (const std::string& part : derived.parts) data_.weights.erase(part);
      data_.weights.emplace(derived.name, std::move(weight));
      ++counts[static_cast<std::size_t>(derived.kind)];
    }
    note(counts[0], "pruned by masks: weights outside them are 0");
    note(counts[1], "normed (weight_norm): computed of direction and length");
    note(counts[2], "spectrally normed: computed with the vectors in the file");
  }

 private:
  bool has(const std::string& name) const { return data_.weights.contains(name); }

  // Of the first of the parts; the others' names follow.
  std::optional<Derived> derived_by(const std::string& name) const {
    using Kind = Derived::Kind;
    if (const std::size_t at = name.find(kParametrizations); is_component(name, at))
      return parametrized(name, at);
    if (name.ends_with("_mask")) {
      const std::string base = name.substr(0, name.size() - 5), orig = base + "_orig";
      if (has(orig)) return Derived{Kind::pruned, base, {orig, name}};
    }
    if (name.ends_with("weight_g") && has(sibling(name, "_v")))
      return Derived{
          Kind::weight_norm, name.substr(0, name.size() - 2), {name, sibling(name, "_v")}};
    if (name.ends_with("_u")) {
      const std::string base = name.substr(0, name.size() - 2), orig = base + "_orig";
      if (has(orig) && has(base + "_v"))
        return Derived{Kind::spectral_norm, base, {orig, name, base + "_v"}};
    }
    return std::nullopt;
  }

  static std::string sibling(const std::string& name, const char* end) {
    return name.substr(0, name.size() - 2) + end;
  }
  static bool is_component(const std::string& name, std::size_t at) {
    return at != std::string::npos && (at == 0 || name[at - 1] == '.');
  }

  // "fc.parametrizations.weight.original0", …
  std::optional<Derived> parametrized(const std::string& name, std::size_t at) const {
    using Kind = Derived::Kind;
    const std::size_t begin = at + std::string(kParametrizations).size();
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string parameter = name.substr(0, at) + name.substr(begin, end - begin);
    const std::string path = name.substr(0, end) + ".";
    const auto here = data_.weights.find(name);
    if (here != data_.weights.begin() && std::prev(here)->first.starts_with(path))
      return std::nullopt;  // it was found by the first of them
    const std::vector<std::string> all = names_under(path);
    if (all == std::vector{path + "original0", path + "original1"})
      return Derived{Kind::weight_norm, parameter, all};
    if (all == std::vector{path + "0._u", path + "0._v", path + "original"})
      return Derived{Kind::spectral_norm, parameter, {all[2], all[0], all[1]}};
    throw Error(data_.source + ": tensor '" + models::shown_name(name) +
                "': expected a weight_norm or spectral_norm, got another parametrisation: call "
                "torch.nn.utils.parametrize.remove_parametrizations before saving");
  }

  std::vector<std::string> names_under(const std::string& path) const {
    constexpr std::size_t kMost = 4;  // more than any that is read
    std::vector<std::string> names;
    for (auto at = data_.weights.lower_bound(path);
         at != data_.weights.end() && at->first.starts_with(path) && names.size() < kMost; ++at)
      names.push_back(at->first);
    return names;
  }

  [[noreturn]] void fail(const Derived& derived, const std::string& got) const {
    throw Error(data_.source + ": tensor '" + models::shown_name(derived.name) + "': " + got);
  }

  Tensor part(const Derived& derived, std::size_t i) const {
    return data_.weights.at(derived.parts[i]).to_f32();
  }

  // The first part, to be written over.
  Tensor owned(const Derived& derived) const {
    const Tensor& first = data_.weights.at(derived.parts[0]);
    return first.dtype() == DType::f32 ? first.clone() : first.to_f32();
  }

  Tensor computed(const Derived& derived) const {
    switch (derived.kind) {
      case Derived::Kind::pruned: return masked(derived);
      case Derived::Kind::weight_norm: return normed(derived);
      case Derived::Kind::spectral_norm: break;
    }
    return spectrally_normed(derived);
  }

  Tensor masked(const Derived& derived) const {
    const Tensor mask = part(derived, 1);
    const Shape& shape = data_.weights.at(derived.parts[0]).shape();
    if (mask.shape() != shape)
      fail(derived, "expected a mask " + to_string(shape) + ", got " + to_string(mask.shape()));
    Tensor weight = owned(derived);
    float* values = weight.mutable_data<float>();
    for (std::int64_t i = 0; i < weight.size(); ++i) values[i] *= mask.data<float>()[i];
    return weight;
  }

  // w = g v / |v|, of each entry along the axis that g has; all of v where g is one number.
  Tensor normed(const Derived& derived) const {
    const Tensor g = part(derived, 0), v = part(derived, 1);
    std::size_t axis = 0;
    while (axis < g.rank() && g.dim(axis) == 1) ++axis;
    const bool is_one = g.size() == 1;
    bool fits = g.rank() == v.rank() || (is_one && g.rank() == 0);
    if (!is_one) {
      fits = fits && g.dim(axis) == v.dim(axis) && g.size() == v.dim(axis);
    }
    if (!fits || v.size() == 0)
      fail(derived, "expected lengths along one axis of " + to_string(v.shape()) + ", got " +
                        to_string(g.shape()));
    std::int64_t behind = 1;
    for (std::size_t i = axis + 1; i < v.rank(); ++i) behind *= v.dim(i);
    const std::int64_t groups = g.size();
    const auto group = [&](std::int64_t i) { return is_one ? 0 : i / behind % groups; };
    std::vector<double> squares(static_cast<std::size_t>(groups));
    for (std::int64_t i = 0; i < v.size(); ++i) {
      const double value = v.data<float>()[i];
      squares[static_cast<std::size_t>(group(i))] += value * value;
    }
    Tensor weight(DType::f32, v.shape());
    for (std::int64_t i = 0; i < v.size(); ++i) {
      const auto at = static_cast<std::size_t>(group(i));
      weight.mutable_data<float>()[i] =
          v.data<float>()[i] * (g.data<float>()[at] / static_cast<float>(std::sqrt(squares[at])));
    }
    return weight;
  }

  // w = w0 / (u W0 v), W0 with all but the outputs in one axis.
  Tensor spectrally_normed(const Derived& derived) const {
    const Tensor orig = part(derived, 0), u = part(derived, 1), v = part(derived, 2);
    const std::int64_t rows = orig.rank() > 0 ? orig.dim(0) : 0;
    const std::int64_t columns = rows > 0 ? orig.size() / rows : 0;
    if (u.size() != rows || v.size() != columns || orig.size() == 0)
      fail(derived, "expected vectors of " + std::to_string(rows) + " and " +
                        std::to_string(columns) + " values, got " + std::to_string(u.size()) +
                        " and " + std::to_string(v.size()));
    double sigma = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (std::int64_t c = 0; c < columns; ++c)
        sum += static_cast<double>(orig.data<float>()[r * columns + c]) * v.data<float>()[c];
      sigma += sum * u.data<float>()[r];
    }
    Tensor weight = owned(derived);
    float* values = weight.mutable_data<float>();
    for (std::int64_t i = 0; i < weight.size(); ++i) values[i] /= static_cast<float>(sigma);
    return weight;
  }

  void note(std::size_t count, const std::string& what) {
    if (count > 0)
      data_.notes.push_back(std::to_string(count) + (count == 1 ? " tensor is " : " tensors are ") +
                            what);
  }

  ModelData& data_;
};

}  // namespace

void compute_derived_weights(ModelData& data) { DerivedWeights(data).compute(); }

}  // namespace sidenet
