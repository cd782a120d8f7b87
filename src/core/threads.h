#pragma once

namespace sidenet {

/// Cores that this process may use (its affinity mask), at least 1.
int available_threads();
/// `requested`, or available_threads() where it is 0. Throws Error below 0 or above 1024.
int resolve_threads(int requested);

/// OpenMP's number of threads for the calling thread (oneDNN and Eigen follow it), put back at the
/// end.
class ThreadSetting {
 public:
  explicit ThreadSetting(int threads);
  ~ThreadSetting();
  ThreadSetting(const ThreadSetting&) = delete;
  ThreadSetting& operator=(const ThreadSetting&) = delete;

 private:
  int before_;
};

}  // namespace sidenet
