#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <optional>

#include "sidenet/export.h"
#include "sidenet/kernels.h"

namespace sidenet {

/// How this machine is used. Neither threads nor batch changes an answer by a bit; `winograd` and
/// `kernels` do by rounding. Where it is asked for by name, what is left out is the default:
///
///     evaluate(model, *data, {}, {.threads = 2, .batch = 16});
///     Session session(model, {.execution = {.threads = 1}});
struct Execution {
  /// Threads that compute, 0 to 1024. 0: as many as the machine gives this process.
  int threads = 0;
  /// Rows given to a Session at once, 1 to 2^24. Unset: 1 where times are measured (calibrate,
  /// sweep, suggest_exits), because that is what a single request waits for, and 64 where many rows
  /// have to be got through (evaluate, train_sidenets). A Session takes what run() is given and
  /// does not look at it.
  std::optional<std::int64_t> batch = {};
  /// 3x3 convolutions by Winograd's F(4x4, 3x3) where that is faster (arXiv 1509.09308). Off: by
  /// the direct sum alone, whose rounding error is a few times smaller.
  bool winograd = true;
  /// Which kernels run the layers. Throws Error, where it is used, for kernels that this build does
  /// not have.
  Kernels kernels = Kernels::automatic;
};

/// How many threads it comes to, 1 or more. Throws Error where it asks for fewer than 0 or more
/// than 1024.
SIDENET_API int thread_count(const Execution& execution);

}  // namespace sidenet
