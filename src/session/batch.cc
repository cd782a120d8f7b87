#include "sidenet/batch.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "dataset_batches.h"
#include "exit_graph.h"
#include "input_checks.h"
#include "sidenet/error.h"
#include "threads.h"

namespace sidenet {
namespace {

struct Owner : Storage {
  explicit Owner(Tensor tensor) : whole(std::move(tensor)) {}
  Tensor whole;
};

Tensor rows_of(const Tensor& whole, std::int64_t first, std::int64_t count) {
  Shape shape = whole.shape();
  const std::size_t row_bytes =
      shape.at(0) > 0 ? whole.bytes() / static_cast<std::size_t>(shape[0]) : 0;
  shape[0] = count;
  return Tensor(whole.dtype(), shape, whole.raw() + static_cast<std::size_t>(first) * row_bytes,
                std::make_shared<Owner>(whole));
}

TokenRows rows_of(const TokenRows& texts, std::int64_t first, std::int64_t count) {
  const auto begin = texts.offsets[static_cast<std::size_t>(first)],
             end = texts.offsets[static_cast<std::size_t>(first + count)];
  const auto part = [&](const std::vector<std::int32_t>& values) {
    return std::vector<std::int32_t>(values.begin() + begin, values.begin() + end);
  };
  TokenRows result{part(texts.ids), part(texts.positions), part(texts.types), {}};
  for (std::int64_t row = first; row <= first + count; ++row)
    result.offsets.push_back(texts.offsets[static_cast<std::size_t>(row)] - begin);
  return result;
}

void check_rows(const char* what, std::int64_t first, std::int64_t count, std::int64_t rows) {
  if (first < 0 || count < 0 || first > rows || count > rows - first) {
    throw Error(std::string(what) + ": expected rows within 0 to " + std::to_string(rows) +
                ", got " + std::to_string(count) + " from " + std::to_string(first) + " on");
  }
}

}  // namespace

Batch batch_of(const Model& model, std::span<const Tensor> rows) {
  Batch batch;
  Shape shape = rows.empty() ? default_input_shape(data_of(model)) : rows.front().shape();
  shape.insert(shape.begin(), static_cast<std::int64_t>(rows.size()));
  batch.inputs = Tensor(DType::f32, shape);
  image_row_shape(data_of(model), batch.inputs);
  float* to = batch.inputs.mutable_data<float>();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].shape() != rows.front().shape()) {
      throw Error("batch: row " + std::to_string(i) + ": expected shape " +
                  to_string(rows.front().shape()) + " as the rows before it, got " +
                  to_string(rows[i].shape()));
    }
    if (rows[i].dtype() != DType::f32) {
      throw Error("batch: row " + std::to_string(i) + ": expected f32, got " +
                  dtype_name(rows[i].dtype()));
    }
    to = std::copy_n(rows[i].data<float>(), rows[i].size(), to);
  }
  return batch;
}

Batch batch_of(const Model& model, std::span<const Text> texts) {
  const Tokenizer& tokenizer = model.tokenizer();
  Batch batch;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    try {
      tokenizer.encode(texts[i], batch.tokens);
    } catch (const Error& error) {
      throw Error("batch: text " + std::to_string(i) + ": " + error.what());
    }
  }
  return batch;
}

Batch batch_of(const Model& model, const Dataset& data, std::int64_t first, std::int64_t count,
               int threads) {
  check_rows("batch", first, count, data.rows());
  Batch batch;
  if (count == 0 && !model.is_text()) batch = batch_of(model, std::span<const Tensor>());
  batch.first = first;
  if (count == 0) return batch;
  if (model.is_text()) {
    batch.tokens = encode_rows(data, model.tokenizer(), first, count);
  } else {
    batch.inputs = load_images(data, model.preprocessing(), first, count, resolve_threads(threads));
  }
  return batch;
}

void for_each_batch(const Model& model, const Dataset& data, std::int64_t batch_rows, int threads,
                    const std::function<void(const Batch&)>& consume) {
  if (model.is_text()) {
    for_each_batch(data, model.tokenizer(), batch_rows, consume);
  } else {
    for_each_batch(data, model.preprocessing(), batch_rows, threads, consume);
  }
}

Batch rows_of(const Batch& batch, std::int64_t first, std::int64_t count) {
  check_rows("rows_of", first, count, batch.rows());
  Batch part;
  part.first = batch.first + first;
  if (batch.tokens.rows() > 0) {
    part.tokens = rows_of(batch.tokens, first, count);
  } else if (batch.rows() > 0) {
    part.inputs = rows_of(batch.inputs, first, count);
  }
  return part;
}

}  // namespace sidenet
