#pragma once

#include "plan.h"
#include "run_request.h"
#include "workspace.h"

namespace sidenet {

/// At the exit of `step`, whose logits are computed: rows that it answers leave, with their answers
/// in the results, and the others close up.
void close_exit(Workspace& workspace, const Step& step, const RunRequest& request);

}  // namespace sidenet
