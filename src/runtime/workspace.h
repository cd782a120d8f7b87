#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "plan.h"
#include "sidenet/text.h"

namespace sidenet {

/// Of a workspace's arena.
std::uint64_t arena_bytes(const Plan& plan, const Capacity& capacity);

/// Buffers of one thread: an arena for a micro-batch, and scratch.
class Workspace {
 public:
  /// Makes room; what the arena held is lost where it grows.
  void reserve(const Plan& plan, const Capacity& capacity);
  /// Has the plan's part prepared, and makes room for its scratch; the arena stays.
  void enter(const Plan& plan, std::size_t part);
  bool has_entered(std::size_t part) const { return entered_[part] != 0; }
  float* at(const Slot& slot) const { return arena_ + slot.offset * entries_; }
  std::byte* scratch() const { return scratch_; }
  /// The values of a step's inputs; they are listed here until the next call.
  std::span<const float* const> arguments(const Step& step);
  /// The rows still under way.
  RowBatch batch() const;
  std::int64_t cost(const Cost& cost) const;
  void start(int first, int rows);
  void start_texts(const TokenRows& texts, int first, int rows);
  /// One row more, or none at all; its values are the caller's business. length: of a text.
  void add_row(int id, std::int64_t length);
  void drop_rows();

  std::vector<int> row_ids;           ///< of the rows still under way
  std::vector<std::int64_t> offsets;  ///< texts: where their tokens start, and the end
  std::vector<char> leaves;           ///< at the exit being closed: which of them go
  std::int64_t token_pairs = 0;       ///< texts: sum of the squared lengths

 private:
  std::shared_ptr<std::byte> arena_memory_, scratch_memory_;
  float* arena_ = nullptr;
  std::byte* scratch_ = nullptr;
  std::size_t scratch_bytes_ = 0, entries_ = 0;
  Capacity capacity_{0, 0, 0};
  std::vector<char> entered_;  // of each part: at this capacity
  std::vector<const float*> arguments_;
};

}  // namespace sidenet
