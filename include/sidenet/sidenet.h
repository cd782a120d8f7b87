#pragma once

// The whole public interface.
#include "sidenet/calibration.h"
#include "sidenet/dataset.h"
#include "sidenet/drift_guard.h"
#include "sidenet/error.h"
#include "sidenet/evaluation.h"
#include "sidenet/execution.h"
#include "sidenet/exit_policy.h"
#include "sidenet/model.h"
#include "sidenet/operating_point.h"
#include "sidenet/session.h"
#include "sidenet/sweep.h"
#include "sidenet/tensor.h"
#include "sidenet/training.h"
