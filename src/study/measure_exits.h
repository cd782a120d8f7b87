#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sidenet/dataset.h"
#include "sidenet/execution.h"
#include "sidenet/model.h"
#include "sidenet/progress.h"
#include "sidenet/tensor.h"

namespace sidenet {

struct MeasureOptions {
  Execution execution = {};  ///< its batch as check_batch() allows; unset: 1
  bool labels = true;        ///< false: the rows have none (kNoLabel), whatever the data says
};

/// Every exit's logits of every row, and what each part of the network costs, from one pass over
/// the data. Exits stand in graph order, `final` last.
struct MeasuredExits {
  std::vector<std::string> names;
  std::vector<Tensor> logits;          ///< [exit]: (rows, classes)
  std::vector<int> labels;             ///< [row]
  std::vector<std::uint32_t> digests;  ///< [row], see row_digests()

  // Of a mean row: MainNet's nodes between the exit before and this one, and this SideNet.
  std::vector<double> segment_compute, head_compute;  ///< shares of MainNet's multiply-adds
  std::vector<double> segment_ms, head_ms;
  std::vector<float>
      weight;  ///< [row] of texts: MainNet's multiply-adds over their mean; of images empty

  bool has_jpegs = false;          ///< whether rows are JPEG files
  std::vector<std::string> notes;  ///< how the data's classes were taken for the model's
};

/// Throws Error where the data has no rows, or does not fit the model.
MeasuredExits measure_exits(const Model& model, const Dataset& data, const MeasureOptions& options,
                            const ProgressCallback& progress = {});

}  // namespace sidenet
