#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "plan.h"

namespace sidenet {

class Workspace;

/// Rows that an exit has not answered, and the values that what follows reads: they wait for
/// others, so that the rest of the network reads its weights for all of them together. A row's bits
/// do not depend on whom it goes on with.
class WaitingRows {
 public:
  bool empty() const { return ids_.empty(); }
  /// Tokens of texts, or rows.
  std::int64_t entries() const { return entries_; }
  void clear();
  /// Takes in all rows under way. live: the step's that they wait behind.
  void put(Workspace& workspace, const std::vector<Slot>& live);
  /// Puts the last of them behind those under way, as many as have room: `most` entries in all, or
  /// one row at least where none is under way.
  void take(Workspace& workspace, const std::vector<Slot>& live, std::int64_t most);

 private:
  std::vector<int> ids_;
  std::vector<std::int64_t> lengths_;       // texts
  std::vector<std::vector<float>> values_;  // of each live slot
  std::int64_t entries_ = 0;
};

/// The WaitingRows of each exit.
class WaitingByExit {
 public:
  /// Nobody waits.
  void start(std::size_t exits);
  WaitingRows& behind(std::size_t exit) { return rows_[exit]; }
  /// All rows under way wait behind the exit.
  void put(std::size_t exit, Workspace& workspace, const std::vector<Slot>& live);
  /// Whether rows wait behind an exit before this one.
  bool any_before(std::size_t exit);

 private:
  std::vector<WaitingRows> rows_;
  std::size_t first_ = 0;  // none wait behind an exit before this one
};

}  // namespace sidenet
