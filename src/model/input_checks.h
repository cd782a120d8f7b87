#pragma once

#include "model_data.h"
#include "sidenet/dataset.h"
#include "sidenet/text.h"

namespace sidenet {

/// The shape of a row of `inputs`, (rows, C, H, W) float32. Throws Error where they do not fit the
/// model.
Shape image_row_shape(const ModelData& data, const Tensor& inputs);

/// Throws Error where the rows are not well-formed, or an id, position or type is not in the
/// model's tables.
void check_texts(const ModelData& data, const TokenRows& inputs);

/// Throws Error where the data are texts and the model takes images, or the other way round.
void check_kind(const Model& model, const Dataset& data);

}  // namespace sidenet
