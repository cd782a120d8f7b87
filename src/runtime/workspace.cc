#include <algorithm>
#include <numeric>

#include "large_buffer.h"
#include "runner.h"

namespace sidenet {
namespace {

constexpr std::size_t kAlignment = 64;

}  // namespace

void Workspace::reserve(const Plan& plan, const Capacity& capacity) {
  if (capacity.rows <= capacity_.rows && capacity.tokens <= capacity_.tokens && capacity.threads <= capacity_.threads)
    return;
  capacity_ = {std::max(capacity.rows, capacity_.rows), std::max(capacity.tokens, capacity_.tokens),
               std::max(capacity.threads, capacity_.threads)};
  entries_ = capacity_.entries();
  const std::size_t arena = plan.arena_floats() * sizeof(float) * entries_;
  const std::size_t bytes = (arena + plan.scratch_bytes(capacity_) + 2 * kAlignment) / kAlignment * kAlignment;
  memory_.reset();  // before the new one is taken
  memory_ = allocate_large(bytes);
  arena_ = reinterpret_cast<float*>(memory_.get());
  scratch_ = memory_.get() + (arena + kAlignment - 1) / kAlignment * kAlignment;
  row_ids.reserve(static_cast<std::size_t>(capacity_.rows));
  leaves.reserve(static_cast<std::size_t>(capacity_.rows));
  offsets.reserve(static_cast<std::size_t>(capacity_.rows) + 1);
}

RowBatch Workspace::batch() const {
  const auto rows = static_cast<int>(row_ids.size());
  if (offsets.empty()) return {rows, 0, nullptr};
  return {rows, static_cast<int>(offsets[row_ids.size()]), offsets.data()};
}

std::int64_t Workspace::cost(const Cost& cost) const {
  const RowBatch rows = batch();
  return cost.of(rows.rows, rows.tokens, token_pairs);
}

void Workspace::start(int first, int rows) {
  row_ids.resize(static_cast<std::size_t>(rows));
  std::iota(row_ids.begin(), row_ids.end(), first);
}

void Workspace::start_texts(const TokenRows& texts, int first, int rows) {
  start(first, rows);
  offsets.assign(1, 0);
  token_pairs = 0;
  for (int row = first; row < first + rows; ++row) {
    const std::int64_t length = texts.length(row);
    offsets.push_back(offsets.back() + length);
    token_pairs += length * length;
  }
}

}  // namespace sidenet
