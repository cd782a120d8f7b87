#include "unchanged_rows.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "sidenet/error.h"
#include "threads.h"

namespace sidenet {

std::int64_t unchanged_rows(const Dataset& data, const std::vector<std::uint64_t>& digests,
                            int threads) {
  constexpr std::int64_t kAtOnce = 32;
  const std::int64_t rows = std::min(data.rows(), static_cast<std::int64_t>(digests.size()));
  std::atomic<std::int64_t> next{0}, unchanged{rows};
  std::mutex mutex;
  std::exception_ptr error;  // of row `unchanged`, where there is one
  const auto stop_at = [&](std::int64_t row, std::exception_ptr failure) {
    const std::lock_guard lock(mutex);
    if (row >= unchanged) return;
    unchanged = row;
    error = std::move(failure);
  };
  const auto work = [&] {
    // Rows before the one that is stopped at are all looked at: threads take them in order.
    for (std::int64_t first = next.fetch_add(kAtOnce); first < unchanged;
         first = next.fetch_add(kAtOnce)) {
      for (std::int64_t row = first; row < std::min(first + kAtOnce, rows) && row < unchanged;
           ++row) {
        try {
          if (data.digest(row) != digests[static_cast<std::size_t>(row)]) stop_at(row, nullptr);
        } catch (...) {
          stop_at(row, std::current_exception());
        }
      }
    }
  };
  const std::int64_t wanted =
      std::min<std::int64_t>(resolve_threads(threads), (rows + kAtOnce - 1) / kAtOnce);
  std::vector<std::thread> others;
  try {
    for (std::int64_t i = 1; i < wanted; ++i) others.emplace_back(work);
  } catch (const std::system_error&) {
    // This thread does it all.
  }
  work();
  for (std::thread& other : others) other.join();
  if (error) std::rethrow_exception(error);
  return unchanged;
}

}  // namespace sidenet
