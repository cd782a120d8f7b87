#include "workspace.h"

#include <algorithm>
#include <numeric>

#include "checked.h"
#include "large_buffer.h"
#include "machine_memory.h"

namespace sidenet {

std::uint64_t arena_bytes(const Plan& plan, const Capacity& capacity) {
  const char* what = "activations";
  return checked_mul(checked_mul(plan.arena_floats(), sizeof(float), what), capacity.entries(),
                     what);
}

void Workspace::reserve(const Plan& plan, const Capacity& capacity) {
  if (capacity.rows <= capacity_.rows && capacity.tokens <= capacity_.tokens &&
      capacity.threads <= capacity_.threads)
    return;
  const Capacity wanted{std::max(capacity.rows, capacity_.rows),
                        std::max(capacity.tokens, capacity_.tokens),
                        std::max(capacity.threads, capacity_.threads)};
  capacity_ = {0, 0, 0};  // holds where there is no memory for more
  arena_memory_.reset();  // before the new one is taken
  const std::uint64_t bytes = arena_bytes(plan, wanted);
  require_memory(bytes, "activations");
  arena_memory_ = allocate_large(bytes);
  capacity_ = wanted;
  entries_ = wanted.entries();
  arena_ = reinterpret_cast<float*>(arena_memory_.get());
  entered_.assign(plan.parts(), 0);
  row_ids.reserve(static_cast<std::size_t>(capacity_.rows));
  leaves.reserve(static_cast<std::size_t>(capacity_.rows));
  offsets.reserve(static_cast<std::size_t>(capacity_.rows) + 1);
  arguments_.resize(plan.most_inputs());
}

std::span<const float* const> Workspace::arguments(const Step& step) {
  for (std::size_t i = 0; i < step.inputs.size(); ++i) arguments_[i] = at(step.inputs[i]);
  return {arguments_.data(), step.inputs.size()};
}

void Workspace::enter(const Plan& plan, std::size_t part) {
  if (entered_[part] != 0) return;
  plan.prepare(part);
  const std::size_t bytes = plan.scratch_bytes(part, capacity_);
  if (bytes > scratch_bytes_ || !scratch_memory_) {
    // Where there is no memory for more, no part may go on with what is freed here.
    entered_.assign(entered_.size(), 0);
    scratch_bytes_ = 0;
    scratch_memory_.reset();
    require_memory(bytes, "scratch of the kernels");
    scratch_memory_ = allocate_large(bytes);
    scratch_ = scratch_memory_.get();
    scratch_bytes_ = bytes;
  }
  entered_[part] = 1;
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

void Workspace::add_row(int id, std::int64_t length) {
  if (!offsets.empty()) {
    offsets.resize(row_ids.size() + 1);  // a compaction leaves more behind
    offsets.push_back(offsets.back() + length);
    token_pairs += length * length;
  }
  row_ids.push_back(id);
}

void Workspace::drop_rows() {
  row_ids.clear();
  if (!offsets.empty()) offsets.resize(1);
  token_pairs = 0;
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
