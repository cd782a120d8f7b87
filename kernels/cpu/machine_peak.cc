#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <thread>
#include <vector>

#include "sidenet/machine.h"
#include "threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "machine_peak.cc"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sidenet::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Ten independent chains: enough to hide a latency of five cycles on two units, and still in 16
/// registers.
constexpr int kChains = 10;

float multiply_adds(std::int64_t steps) {
  const hn::ScalableTag<float> d;
  const auto scale = hn::Set(d, 0.999F), shift = hn::Set(d, 0.001F);
  auto a = hn::Iota(d, 0.0F), b = hn::Iota(d, 1.0F), c = hn::Iota(d, 2.0F), e = hn::Iota(d, 3.0F),
       f = hn::Iota(d, 4.0F);
  auto g = hn::Iota(d, 5.0F), h = hn::Iota(d, 6.0F), i = hn::Iota(d, 7.0F), j = hn::Iota(d, 8.0F),
       k = hn::Iota(d, 9.0F);
  for (std::int64_t step = 0; step < steps; ++step) {
    a = hn::MulAdd(a, scale, shift), b = hn::MulAdd(b, scale, shift),
    c = hn::MulAdd(c, scale, shift);
    e = hn::MulAdd(e, scale, shift), f = hn::MulAdd(f, scale, shift),
    g = hn::MulAdd(g, scale, shift);
    h = hn::MulAdd(h, scale, shift), i = hn::MulAdd(i, scale, shift),
    j = hn::MulAdd(j, scale, shift);
    k = hn::MulAdd(k, scale, shift);
  }
  const auto sum = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)),
                           hn::Add(hn::Add(f, g), hn::Add(hn::Add(h, i), hn::Add(j, k))));
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

/// Floating-point operations of a step.
std::int64_t step_operations() {
  return 2 * kChains * static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<float>()));
}

}  // namespace sidenet::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sidenet {

HWY_EXPORT(multiply_adds);
HWY_EXPORT(step_operations);

double measure_peak_gflops(int threads) {
  threads = resolve_threads(threads);
  using Clock = std::chrono::steady_clock;
  constexpr std::int64_t steps = 32'768;  // about a tenth of a millisecond: seldom interrupted
  constexpr auto length = std::chrono::milliseconds(80);
  const auto operations = static_cast<double>(steps * HWY_DYNAMIC_DISPATCH(step_operations)());
  std::vector<double> best(static_cast<std::size_t>(threads));  // operations a nanosecond
  std::atomic<float> result{0};  // read by nobody, but the chains must be computed
  std::atomic<int> waiting{threads};
  const auto work = [&](std::size_t thread) {
    --waiting;
    while (waiting.load() > 0) std::this_thread::yield();
    for (auto begin = Clock::now(), end = begin + length; begin < end;) {
      result.store(HWY_DYNAMIC_DISPATCH(multiply_adds)(steps));
      const auto now = Clock::now();
      best[thread] = std::max(
          best[thread], operations / std::chrono::duration<double, std::nano>(now - begin).count());
      begin = now;
    }
  };
  std::vector<std::thread> others;
  for (std::size_t thread = 1; thread < best.size(); ++thread) others.emplace_back(work, thread);
  work(0);
  for (std::thread& other : others) other.join();
  return std::accumulate(best.begin(), best.end(), 0.0);
}

}  // namespace sidenet
#endif  // HWY_ONCE
