#pragma once

// The whole public interface. Each header names the library that has its functions.

// libsidenet: load, import and run.
#include "sidenet/dataset.h"
#include "sidenet/drift_guard.h"
#include "sidenet/error.h"
#include "sidenet/exit_policy.h"
#include "sidenet/kernels.h"
#include "sidenet/model.h"
#include "sidenet/session.h"
#include "sidenet/tensor.h"

// libsidenet-study: train, choose exits and thresholds, measure.
#include "sidenet/calibration.h"
#include "sidenet/evaluation.h"
#include "sidenet/operating_point.h"
#include "sidenet/suggestion.h"
#include "sidenet/sweep.h"
#include "sidenet/training.h"
