#include "families.h"

#include <ranges>

#include "sidenet/error.h"

namespace sidenet::models {

// Each in a file of its own, NAME_family.cc.
const Family& bert_family();
const Family& resnet_family();

std::span<const Family* const> families() {
  static const Family* const all[] = {&bert_family(), &resnet_family()};
  return all;
}

void refuse_unknown(const Weights& weights, const std::string& told) {
  std::string looked_for;
  for (const Family* family : families() | std::views::reverse) {  // the plainest networks first
    looked_for +=
        looked_for.empty() ? family->title() + "'s tensors (" : " or " + family->title() + "'s (";
    for (const std::string& name : family->landmarks()) looked_for += "'" + name + "', ";
    looked_for += "…)";
  }
  const auto& tensors = weights.tensors();
  throw Error(
      weights.file() + ": unknown architecture: expected " + looked_for + ", found " +
      std::to_string(tensors.size()) + " tensors, " +
      (tensors.empty() ? "no tensors at all" : "first tensor '" + tensors.begin()->first + "'") +
      told);
}

}  // namespace sidenet::models
