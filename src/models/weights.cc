#include "weights.h"

#include <limits>

#include "sidenet/error.h"

namespace sidenet::models {

std::string shown_name(const std::string& name) {
  constexpr std::size_t kLongest = 60;
  return name.size() <= kLongest ? name : "…" + name.substr(name.size() - kLongest);
}

Weights Weights::sub(const std::string& scope) const {
  Weights result = *this;
  result.prefix_ += scope + ".";
  return result;
}

std::vector<std::string> Weights::unused() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : root_->tensors) {
    if (!root_->used.contains(name)) names.push_back(name);
  }
  return names;
}

Tensor Weights::get_rank(const std::string& name, std::size_t rank) const {
  return get(name, Shape(rank, -1));
}

Tensor Weights::get(const std::string& name, const Shape& expected) const {
  const auto found = root_->tensors.find(prefix_ + name);
  const auto wanted = [&] {
    std::string text = "(";
    for (std::size_t i = 0; i < expected.size(); ++i) {
      text += (i == 0 ? "" : ", ") +
              (expected[i] < 0 ? std::string("any") : std::to_string(expected[i]));
    }
    return text + ")";
  };
  if (found == root_->tensors.end())
    throw Error(root_->file + ": no tensor '" + prefix_ + name + "', expected one of shape " +
                wanted());
  const Tensor& tensor = found->second;
  if (tensor.size() == 0) {
    throw Error(root_->file + ": tensor '" + prefix_ + name + "': expected shape " + wanted() +
                " without a 0, got " + to_string(tensor.shape()));
  }
  for (const std::int64_t extent : tensor.shape()) {
    if (extent > std::numeric_limits<std::int32_t>::max())
      throw Error(root_->file + ": tensor '" + prefix_ + name +
                  "': expected extents below 2^31, got " + to_string(tensor.shape()));
  }
  bool fits = tensor.rank() == expected.size();
  for (std::size_t i = 0; fits && i < expected.size(); ++i)
    fits = expected[i] < 0 || expected[i] == tensor.dim(i);
  if (!fits)
    throw Error(root_->file + ": tensor '" + prefix_ + name + "': expected shape " + wanted() +
                ", got " + to_string(tensor.shape()));
  root_->used.insert(prefix_ + name);
  return tensor;
}

}  // namespace sidenet::models
