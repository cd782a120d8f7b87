#include "families.h"

#include "diagnosis.h"
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
  const auto all = families();
  for (auto at = all.rbegin(); at != all.rend(); ++at) {  // the plainest networks first
    const Family* family = *at;
    looked_for +=
        looked_for.empty() ? family->title() + "'s tensors (" : " or " + family->title() + "'s (";
    for (const std::string& name : family->landmarks()) looked_for += "'" + name + "', ";
    looked_for += "…)";
  }
  const auto& tensors = weights.tensors();
  const std::string seen = diagnose(weights);
  throw Error(weights.file() + ": unknown architecture" + told + seen +
              (seen.empty()
                   ? ": expected " + looked_for + ", found " + std::to_string(tensors.size()) +
                         " tensors, first '" + (tensors.empty() ? "" : tensors.begin()->first) + "'"
                   : ""));
}

}  // namespace sidenet::models
