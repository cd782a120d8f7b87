#include "input_checks.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "sidenet/error.h"

namespace sidenet {
namespace {

void check_range(const char* what, const std::vector<std::int32_t>& values, int count,
                 const TokenRows& inputs) {
  const auto bad = std::find_if(values.begin(), values.end(),
                                [&](std::int32_t v) { return v < 0 || v >= count; });
  if (bad == values.end()) return;
  const std::int64_t token = bad - values.begin();
  const auto row = std::upper_bound(inputs.offsets.begin(), inputs.offsets.end(), token) -
                   inputs.offsets.begin() - 1;
  throw Error("input: row " + std::to_string(row) + ", token " +
              std::to_string(token - inputs.offsets[static_cast<std::size_t>(row)]) +
              ": expected a " + what + " from 0 to " + std::to_string(count - 1) + ", got " +
              std::to_string(*bad));
}

}  // namespace

Shape image_row_shape(const ModelData& data, const Tensor& inputs) {
  if (data.is_text())
    throw Error(data.source + ": takes texts, got images " + to_string(inputs.shape()));
  const std::int64_t channels = data.architecture.input_shape[0];
  if (inputs.rank() != 4 || inputs.dim(1) != channels || inputs.dim(2) < 1 || inputs.dim(3) < 1) {
    throw Error("input: expected (rows, " + std::to_string(channels) + ", H, W), got " +
                to_string(inputs.shape()));
  }
  if (inputs.dtype() != DType::f32)
    throw Error(std::string("input: expected f32, got ") + dtype_name(inputs.dtype()));
  return {inputs.dim(1), inputs.dim(2), inputs.dim(3)};
}

void check_texts(const ModelData& data, const TokenRows& inputs) {
  if (!data.is_text())
    throw Error(data.source + ": takes images, got " + std::to_string(inputs.rows()) + " texts");
  const auto& offsets = inputs.offsets;
  const std::size_t tokens = inputs.ids.size();
  if (inputs.positions.size() != tokens || inputs.types.size() != tokens) {
    throw Error("input: expected a position and a type for each of " + std::to_string(tokens) +
                " word ids, got " + std::to_string(inputs.positions.size()) + " and " +
                std::to_string(inputs.types.size()));
  }
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != inputs.tokens()) {
    throw Error("input: expected offsets from 0 to " + std::to_string(tokens) +
                ", the number of tokens, got " +
                (offsets.empty()
                     ? "none"
                     : std::to_string(offsets.front()) + " to " + std::to_string(offsets.back())));
  }
  const models::Architecture& architecture = data.architecture;
  for (std::size_t row = 0; row + 1 < offsets.size(); ++row) {
    // Offsets rise up to here, so they are not negative, and neither sum nor difference overflows.
    const std::int64_t begin = offsets[row], end = offsets[row + 1];
    if (end <= begin || end - begin > architecture.max_tokens) {
      throw Error("input: row " + std::to_string(row) + ": expected 1 to " +
                  std::to_string(architecture.max_tokens) + " tokens, got " +
                  (end < begin ? "offsets that fall" : std::to_string(end - begin)));
    }
  }
  check_range("word id", inputs.ids, architecture.vocabulary, inputs);
  check_range("position", inputs.positions, architecture.max_tokens, inputs);
  // DistilBERT has no types: what is given is not looked at.
  check_range(
      "token type", inputs.types,
      architecture.token_types > 0 ? architecture.token_types : std::numeric_limits<int>::max(),
      inputs);
}

ModelInputs check_inputs(const ModelData& data, const Tensor& images) {
  Shape row_shape = image_row_shape(data, images);
  return {.rows = images.dim(0), .row_shape = std::move(row_shape), .images = &images};
}

ModelInputs check_inputs(const ModelData& data, const TokenRows& texts) {
  check_texts(data, texts);
  return {.rows = texts.rows(), .row_shape = {kTokens, 3}, .texts = &texts};
}

ModelInputs check_inputs(const ModelData& data, const Batch& batch) {
  const bool has_texts = batch.tokens.rows() > 0;
  if (has_texts || (data.is_text() && batch.rows() == 0)) return check_inputs(data, batch.tokens);
  return check_inputs(data, batch.inputs);
}

void check_kind(const Model& model, const Dataset& data) {
  const bool has_texts = data.kind() == Dataset::Kind::texts;
  if (has_texts == model.is_text() || data.rows() == 0) return;
  throw Error(data.name(0) + ": is " + (has_texts ? "a text" : "an image") + ", and " +
              model.architecture() + " takes " + (has_texts ? "images" : "texts"));
}

}  // namespace sidenet
