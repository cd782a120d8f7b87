#pragma once

#include <cstdint>
#include <functional>

#include "sidenet/batch.h"
#include "sidenet/dataset.h"
#include "sidenet/image.h"
#include "sidenet/tokenizer.h"

namespace sidenet {

/// Rows first … first + count as tokens. Throws Error with the row's name.
TokenRows encode_rows(const Dataset& data, const Tokenizer& tokenizer, std::int64_t first,
                      std::int64_t count);
/// The same, decoded and preprocessed on `threads` threads: (count, C, H, W).
Tensor load_images(const Dataset& data, const Preprocessing& preprocessing, std::int64_t first,
                   std::int64_t count, int threads);

/// As for_each_batch() of a Model, of texts and of images.
void for_each_batch(const Dataset& data, const Tokenizer& tokenizer, std::int64_t batch_rows,
                    const std::function<void(const Batch&)>& consume);
void for_each_batch(const Dataset& data, const Preprocessing& preprocessing,
                    std::int64_t batch_rows, int threads,
                    const std::function<void(const Batch&)>& consume);

}  // namespace sidenet
