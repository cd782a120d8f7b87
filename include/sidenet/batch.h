#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sidenet/export.h"
#include "sidenet/tensor.h"
#include "sidenet/text.h"

namespace sidenet {

class Dataset;
class Model;

/// Rows as a model takes them: images or texts. What it was made from need not live on.
struct Batch {
  std::int64_t first = 0;                   ///< of a data set: index of its first row
  Tensor inputs = {};                       ///< images: (rows, C, H, W) float32
  TokenRows tokens = {};                    ///< texts
  std::vector<int> labels = {};             ///< one a row, where there are any
  std::vector<std::uint64_t> digests = {};  ///< one a row: Dataset::digest() of what it came from

  std::int64_t rows() const {
    return tokens.rows() > 0 ? tokens.rows() : inputs.rank() > 1 ? inputs.dim(0) : 0;
  }
};

/// A batch of images, each (C, H, W) float32 as preprocess_image() gives it, all of one shape. They
/// are copied. Throws Error where the shapes differ, or the model takes texts.
///
///     const Answers answers = session.run(batch_of(model, {{row}}));
SIDENET_API Batch batch_of(const Model& model, std::span<const Tensor> rows);
/// A batch of texts. Throws Error, with the text's number, where one is not UTF-8, and where the
/// model takes images or has no vocabulary.
SIDENET_API Batch batch_of(const Model& model, std::span<const Text> texts);
/// Rows first … first + count of the data, decoded and preprocessed or tokenised on `threads`
/// threads (0: all); labels and digests are left out. Throws Error with the row's name.
SIDENET_API Batch batch_of(const Model& model, const Dataset& data, std::int64_t first,
                           std::int64_t count, int threads = 0);

/// All rows in order, `batch_rows` at a time, with labels and digests. Images are decoded and
/// preprocessed ahead of the consumer on `threads` threads (0: all), through a bounded queue.
/// `consume` runs on the caller's thread. Errors of either side stop the others and are thrown
/// here.
///
///     for_each_batch(model, *data, 64, 0, [&](const Batch& batch) { use(session.run(batch)); });
SIDENET_API void for_each_batch(const Model& model, const Dataset& data, std::int64_t batch_rows,
                                int threads, const std::function<void(const Batch&)>& consume);

/// Rows first … first + count of a batch, counted from its first. Images are a view that keeps the
/// whole alive, texts a copy; labels and digests are left out.
SIDENET_API Batch rows_of(const Batch& batch, std::int64_t first, std::int64_t count);

}  // namespace sidenet
