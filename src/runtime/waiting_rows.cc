#include "waiting_rows.h"

#include <algorithm>
#include <cstring>

#include "workspace.h"

namespace sidenet {

void WaitingRows::clear() {
  ids_.clear();
  lengths_.clear();
  for (std::vector<float>& values : values_) values.clear();
  entries_ = 0;
}

void WaitingRows::put(Workspace& workspace, const std::vector<Slot>& live) {
  const RowBatch batch = workspace.batch();
  values_.resize(live.size());
  for (std::size_t i = 0; i < live.size(); ++i) {
    const auto count = static_cast<std::size_t>(live[i].per_token ? batch.tokens : batch.rows);
    const float* from = workspace.at(live[i]);
    values_[i].insert(values_[i].end(), from, from + count * live[i].size);
  }
  ids_.insert(ids_.end(), workspace.row_ids.begin(), workspace.row_ids.end());
  if (batch.offsets) {
    for (int row = 0; row < batch.rows; ++row)
      lengths_.push_back(batch.offsets[row + 1] - batch.offsets[row]);
  }
  entries_ += batch.offsets ? batch.tokens : batch.rows;
  workspace.drop_rows();
}

void WaitingRows::take(Workspace& workspace, const std::vector<Slot>& live, std::int64_t most) {
  const RowBatch batch = workspace.batch();
  const bool texts = !lengths_.empty();
  const std::int64_t before = texts ? batch.tokens : batch.rows;
  std::size_t first = ids_.size();
  std::int64_t entries = 0;
  while (first > 0) {
    const std::int64_t length = texts ? lengths_[first - 1] : 1;
    if (before + entries + length > most && before + entries > 0) break;
    entries += length;
    --first;
  }
  const std::size_t rows = ids_.size() - first;
  for (std::size_t i = 0; i < live.size(); ++i) {
    const bool per_token = live[i].per_token;
    const std::size_t count = (per_token ? static_cast<std::size_t>(entries) : rows) * live[i].size;
    const auto behind =
        static_cast<std::size_t>(per_token ? batch.tokens : batch.rows) * live[i].size;
    if (count > 0)
      std::memcpy(workspace.at(live[i]) + behind, values_[i].data() + values_[i].size() - count,
                  sizeof(float) * count);
    values_[i].resize(values_[i].size() - count);
  }
  for (std::size_t row = first; row < ids_.size(); ++row)
    workspace.add_row(ids_[row], texts ? lengths_[row] : 0);
  ids_.resize(first);
  if (texts) lengths_.resize(first);
  entries_ -= entries;
}

void WaitingByExit::start(std::size_t exits) {
  rows_.resize(exits);
  for (WaitingRows& rows : rows_) rows.clear();
  first_ = 0;
}

void WaitingByExit::put(std::size_t exit, Workspace& workspace, const std::vector<Slot>& live) {
  rows_[exit].put(workspace, live);
  first_ = std::min(first_, exit);
}

bool WaitingByExit::any_before(std::size_t exit) {
  while (first_ < exit && rows_[first_].empty()) ++first_;
  return first_ < exit;
}

}  // namespace sidenet
