#include "team.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <thread>

namespace sidenet {
namespace {

constexpr std::uint64_t kMeetings = 256;  // room for a task's own

thread_local Team* led_here = nullptr;

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void wait(const std::atomic<std::uint64_t>& signal, std::uint64_t wanted) {
  constexpr int kRounds = 3000;
  for (int round = 0; signal.load(std::memory_order_acquire) < wanted; ++round) {
    if (round < kRounds) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace

void TeamPlace::barrier() const {
  if (count_ <= 1) return;
  if (team_ != nullptr) {
    team_->meet(index_, count_, ++meetings_);
  } else {
#pragma omp barrier
  }
}

Team::Team(int threads)
    : threads_(std::max(threads, 1)), done_(new Signal[threads_]), arrived_(new Signal[threads_]) {}

void Team::lead_erased(void (*work)(const void*), const void* erased) {
  std::exception_ptr failure;
  const std::uint64_t number = task_.number.load(std::memory_order_relaxed);
#pragma omp parallel num_threads(threads_)
  {
    if (const int index = omp_get_thread_num(); index > 0) {
      follow(index, number);
    } else {
      members_ = omp_get_num_threads();
      led_here = this;
      try {
        work(erased);
      } catch (...) {
        failure = std::current_exception();
      }
      led_here = nullptr;
      post(0, nullptr, nullptr);
    }
  }
  if (failure) std::rethrow_exception(failure);
}

void Team::start_apart() {
  finished_.store(0, std::memory_order_relaxed);
  apart_ = task_.number.load(std::memory_order_relaxed);
}

bool Team::is_last() const {
  return finished_.load(std::memory_order_acquire) + 1 == omp_get_num_threads();
}

void Team::take_lead() {
  members_ = omp_get_num_threads();
  led_here = this;
}

void Team::finish() {
  const int place = finished_.fetch_add(1, std::memory_order_acq_rel) + 1;
  if (place < omp_get_num_threads()) return follow(place, apart_);
  led_here = nullptr;
  post(0, nullptr, nullptr);
}

void Team::share_erased(int threads, Body body, const void* erased, std::size_t copied) {
  if (led_here != nullptr) return led_here->share_here(threads, body, erased, copied);
#pragma omp parallel num_threads(threads)
  body(erased, TeamPlace(omp_get_thread_num(), omp_get_num_threads(), nullptr));
}

void Team::share_here(int threads, Body body, const void* erased, std::size_t copied) {
  const int used = std::min(threads, members_);
  if (used <= 1 || sharing_) return body(erased, TeamPlace());
  sharing_ = true;
  if (copied > 0) std::memcpy(task_.copy, erased, copied);
  post(used, body, copied > 0 ? task_.copy : erased);
  body(erased, TeamPlace(0, used, this));
  const std::uint64_t number = task_.number.load(std::memory_order_relaxed);
  for (int member = 1; member < members_; ++member) wait(done_[member].value, number);
  sharing_ = false;
}

// Nobody reads the task before its number changes, nor after having signalled that it is done.
void Team::post(int threads, Body body, const void* erased) {
  task_.threads = threads;
  task_.body = body;
  task_.erased = erased;
  task_.number.store(task_.number.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void Team::follow(int index, std::uint64_t number) {
  for (;;) {
    wait(task_.number, ++number);
    if (task_.body == nullptr) return;
    if (index < task_.threads) task_.body(task_.erased, TeamPlace(index, task_.threads, this));
    done_[index].value.store(number, std::memory_order_release);
  }
}

void Team::meet(int index, int count, std::uint64_t meeting) {
  const std::uint64_t here = task_.number.load(std::memory_order_relaxed) * kMeetings + meeting;
  arrived_[index].value.store(here, std::memory_order_release);
  for (int member = 0; member < count; ++member) wait(arrived_[member].value, here);
}

}  // namespace sidenet
