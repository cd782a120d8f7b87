#include "wiring_search.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "sidenet/error.h"
#include "sidenet/reference_check.h"

namespace sidenet::tools {
namespace {

struct Change {
  const char *option, *setting, *value;
};

// As networks of these names are built elsewhere; what does not fit one is passed over.
constexpr std::array kChanges{Change{"--stem-pool none", "stem_pool", "none"},
                              Change{"--stem-pool max", "stem_pool", "max"},
                              Change{"--stem-stride 1", "stem_stride", "1"},
                              Change{"--stem-stride 2", "stem_stride", "2"},
                              Change{"--stride-in-1x1", "bottleneck_stride", "1x1"},
                              Change{"--basic-stride second", "basic_stride", "second"},
                              Change{"--shortcut-zeros behind", "shortcut_zeros", "behind"},
                              Change{"--shortcut-zeros before", "shortcut_zeros", "before"},
                              Change{"--shortcut-pool average", "shortcut_pool", "average"},
                              Change{"--shortcut-input raw", "shortcut_input", "raw"},
                              Change{"--shortcut-input activated", "shortcut_input", "activated"},
                              Change{"--output-stride 8", "output_stride", "8"},
                              Change{"--output-stride 16", "output_stride", "16"},
                              Change{"--head-pool max", "head_pool", "max"},
                              Change{"--antialias blur", "antialias", "blur"},
                              Change{"--antialias average", "antialias", "average"},
                              Change{"--strides 1,2,2,1", "strides", "1,2,2,1"},
                              Change{"--strides 2,2,2,2", "strides", "2,2,2,2"},
                              Change{"--strides 2,2,2", "strides", "2,2,2"},
                              Change{"--epsilon 0.001", "epsilon", "0.001"},
                              Change{"--epsilon 0.0001", "epsilon", "0.0001"},
                              Change{"--epsilon 1e-06", "epsilon", "1e-06"},
                              Change{"--stem-padding 0", "stem_padding", "0"},
                              Change{"--stem-padding 1", "stem_padding", "1"},
                              Change{"--stem-padding 2", "stem_padding", "2"},
                              Change{"--stem-padding 3", "stem_padding", "3"},
                              Change{"--activation gelu", "activation", "gelu"},
                              Change{"--head-activation none", "head_activation", "none"},
                              Change{"--head-activation tanh", "head_activation", "tanh"},
                              Change{"--head-activation gelu", "head_activation", "gelu"}};

Tensor first_rows(const Tensor& logits, std::int64_t rows) {
  Tensor first(DType::f32, {rows, logits.dim(1)});
  std::memcpy(first.mutable_data<float>(), logits.data<float>(), first.bytes());
  return first;
}

}  // namespace

std::string wiring_that_agrees(const std::string& checkpoint, const ImportOptions& options,
                               const Batch& inputs, const Tensor& logits) {
  constexpr std::int64_t kRows = 2;
  if (inputs.inputs.rank() != 4 || logits.rank() != 2 || logits.dim(0) != inputs.rows()) return "";
  const std::int64_t rows = std::min(kRows, inputs.rows());
  const Batch some = rows_of(inputs, 0, rows);
  const Tensor expected = first_rows(logits, rows);
  const auto agrees = [&](const std::vector<const Change*>& changes) {
    ImportOptions other = options;
    for (const Change* change : changes) other.settings[change->setting] = change->value;
    try {
      return reference_difference(Model::import_checkpoint(checkpoint, other), some, expected) <=
             kCheckTolerance;
    } catch (const Error&) {  // such a network has no such setting
      return false;
    }
  };
  for (const Change& change : kChanges) {
    if (agrees({&change})) return change.option;
  }
  for (std::size_t i = 0; i < kChanges.size(); ++i) {
    for (std::size_t j = i + 1; j < kChanges.size(); ++j) {
      if (std::string(kChanges[i].setting) != kChanges[j].setting &&
          agrees({&kChanges[i], &kChanges[j]}))
        return std::string(kChanges[i].option) + " " + kChanges[j].option;
    }
  }
  return "";
}

}  // namespace sidenet::tools
