#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <functional>
#include <string>

namespace sidenet {

/// Told of what goes on, for a progress bar. `stage` is "features" or "train NAME", "evaluate",
/// "measure"; done and total in rows or epochs. `note` is a few words ("loss 0.31, held-out 91.2
/// %"), or empty.
struct Progress {
  std::string stage;
  std::int64_t done = 0, total = 0;
  std::string note;
};

/// Called on the thread that made the call it tells of. Throwing from it stops the work; what is
/// cached stays.
using ProgressCallback = std::function<void(const Progress&)>;

}  // namespace sidenet
