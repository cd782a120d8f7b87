#pragma once

#include <cstddef>
#include <cstdint>

#include "run_request.h"
#include "waiting_rows.h"
#include "workspace.h"

namespace sidenet {

/// What a thread has counted in one run.
struct Tally {
  std::int64_t multiply_adds = 0;
  std::size_t last_step = 0;  ///< that was run
  ExitSeconds seconds;        ///< where it has places, time is added for each exit
};

/// What one thread needs to take rows through the network, kept from run to run.
struct Lane {
  Workspace workspace;
  WaitingByExit waiting;
  Tally tally;
};

}  // namespace sidenet
