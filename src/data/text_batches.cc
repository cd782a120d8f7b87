#include <algorithm>

#include "checked.h"
#include "dataset_batches.h"
#include "sidenet/error.h"

namespace sidenet {

TokenRows encode_rows(const Dataset& data, const Tokenizer& tokenizer, std::int64_t first,
                      std::int64_t count) {
  TokenRows rows;
  for (std::int64_t row = first; row < first + count; ++row) {
    try {
      tokenizer.encode(data.text(row), rows);
    } catch (const Error& error) {
      throw Error(data.name(row) + ": " + error.what());
    }
  }
  return rows;
}

void for_each_batch(const Dataset& data, const Tokenizer& tokenizer, std::int64_t batch_rows,
                    const std::function<void(const Batch&)>& consume) {
  check_batch(batch_rows, "data");
  for (std::int64_t first = 0; first < data.rows(); first += batch_rows) {
    Batch batch;
    batch.first = first;
    const std::int64_t count = std::min(batch_rows, data.rows() - first);
    batch.tokens = encode_rows(data, tokenizer, first, count);
    for (std::int64_t row = first; row < first + count; ++row) {
      batch.labels.push_back(data.label(row));
      batch.digests.push_back(data.digest(row));
    }
    consume(batch);
  }
}

}  // namespace sidenet
