#pragma once

#include "model_data.h"
#include "sidenet/batch.h"
#include "sidenet/dataset.h"
#include "sidenet/text.h"

namespace sidenet {

/// The shape of a row of `inputs`, (rows, C, H, W) float32. Throws Error where they do not fit the
/// model.
Shape image_row_shape(const ModelData& data, const Tensor& inputs);

/// Throws Error where the rows are not well-formed, or an id, position or type is not in the
/// model's tables.
void check_texts(const ModelData& data, const TokenRows& inputs);

/// Rows as the model takes them: one of the two is not null. Throws Error where they
/// do not fit the model, or are the other kind.
struct ModelInputs {
  std::int64_t rows = 0;
  Shape row_shape = {};
  const Tensor* images = nullptr;
  const TokenRows* texts = nullptr;
};
ModelInputs check_inputs(const ModelData& data, const Tensor& images);
ModelInputs check_inputs(const ModelData& data, const TokenRows& texts);
ModelInputs check_inputs(const ModelData& data, const Batch& batch);

/// Throws Error where the data are texts and the model takes images, or the other way round.
void check_kind(const Model& model, const Dataset& data);

}  // namespace sidenet
