#include "threads.h"

#include <omp.h>

#include <algorithm>
#include <string>

#include "sidenet/error.h"
#include "sidenet/execution.h"

namespace sidenet {

int available_threads() { return std::max(1, omp_get_num_procs()); }

int thread_count(const Execution& execution) { return resolve_threads(execution.threads); }

int resolve_threads(int requested) {
  if (requested < 0 || requested > 1024) {
    throw Error("threads: expected 0 (all cores) to 1024, got " + std::to_string(requested));
  }
  return requested == 0 ? available_threads() : requested;
}

ThreadSetting::ThreadSetting(int threads) : before_(omp_get_max_threads()) {
  omp_set_num_threads(threads);
}
ThreadSetting::~ThreadSetting() { omp_set_num_threads(before_); }

}  // namespace sidenet
