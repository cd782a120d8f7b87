#pragma once

#include <dnnl.hpp>

namespace sidenet::kernels::onednn {

inline const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

/// A CPU stream holds no state of a run, yet oneDNN does not promise that threads may share one.
inline dnnl::stream& stream() {
  thread_local dnnl::stream of_this_thread(engine());
  return of_this_thread;
}

}  // namespace sidenet::kernels::onednn
