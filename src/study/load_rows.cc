#include "load_rows.h"

#include <algorithm>
#include <exception>

#include "sidenet/error.h"

namespace sidenet {
namespace {

/// Rows first … first + count of the data, preprocessed: (count, C, H, W).
Tensor load_images(const Dataset& data, const Preprocessing& preprocessing, std::int64_t first,
                   std::int64_t count, int threads) {
  const Tensor front = preprocess_image(data.image(first), preprocessing);
  Shape shape = front.shape();
  shape.insert(shape.begin(), count);
  Tensor batch(DType::f32, shape);
  float* to = batch.mutable_data<float>();
  std::exception_ptr failure;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::int64_t i = 0; i < count; ++i) {
    try {
      const Tensor row = i == 0 ? front : preprocess_image(data.image(first + i), preprocessing);
      if (row.shape() != front.shape()) {
        throw Error(data.name(first + i) + ": expected shape " + to_string(front.shape()) +
                    " as the rows before it, got " + to_string(row.shape()));
      }
      std::copy_n(row.data<float>(), row.size(), to + i * row.size());
    } catch (...) {  // an exception must not leave the parallel loop
#pragma omp critical
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  return batch;
}

}  // namespace

Batch load_rows(const Model& model, const Dataset& data, std::int64_t first, std::int64_t count,
                int threads) {
  Batch batch;
  batch.first = first;
  if (model.is_text()) {
    batch.tokens = encode_rows(data, model.tokenizer(), first, count);
  } else {
    batch.inputs = load_images(data, model.preprocessing(), first, count, threads);
  }
  return batch;
}

}  // namespace sidenet
