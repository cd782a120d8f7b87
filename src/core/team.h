#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace sidenet {

class Team;

/// One thread's place among those that share a piece of work.
class TeamPlace {
 public:
  TeamPlace() = default;
  TeamPlace(int index, int count, Team* team) : index_(index), count_(count), team_(team) {}
  std::size_t index() const { return static_cast<std::size_t>(index_); }
  std::size_t count() const { return static_cast<std::size_t>(count_); }
  /// Waits until all threads of the work have come here; each then sees what the others wrote
  /// before. At most 200 times in one piece of work.
  void barrier() const;

 private:
  int index_ = 0, count_ = 1;
  Team* team_ = nullptr;  // null: OpenMP's
  mutable std::uint64_t meetings_ = 0;
};

/// Threads that one of them leads through many short pieces of work. They stay in one parallel
/// region of OpenMP and wait on a flag between the pieces; a region for each would take 4 to 6
/// times as long to start and to end. One that finds nothing to do for some 50 microseconds offers
/// its core to others.
///
/// While a team is led, whatever opens parallel regions of its own (oneDNN) gets one thread.
class Team {
 public:
  /// threads: at least 1.
  explicit Team(int threads);

  /// Runs work() on the calling thread; what it gives to share(), from wherever, the others take
  /// part in. What it throws comes out after they have been let go. Not from inside another lead().
  template <class Work>
  void lead(const Work& work) {
    lead_erased([](const void* erased) { (*static_cast<const Work*>(erased))(); }, &work);
  }

  /// The other way round, threads of one parallel region that work apart, each on its own, and help
  /// the last one when they have done their part. Before the region, start_apart(); in it each
  /// thread calls finish() at its end, once, whatever happens. The one that sees is_last() may
  /// take_lead(): from then on what it gives to share() the others take part in.
  void start_apart();
  bool is_last() const;
  void take_lead();
  /// Returns when all threads of the region have called it.
  void finish();

  /// Runs body(const TeamPlace&) on `threads` threads, or as many as there are, and returns when
  /// all have done theirs. They are those of the team that the calling thread leads, or else
  /// OpenMP's. `body` must not throw; where it shares work itself it does that alone. A small one
  /// that captures by value starts soonest: it is copied to where the others look.
  template <class Body>
  static void share(int threads, const Body& body) {
    constexpr bool kCopied = std::is_trivially_copyable_v<Body> && sizeof(Body) <= kCopiedBytes;
    share_erased(
        threads,
        [](const void* erased, const TeamPlace& place) {
          (*static_cast<const Body*>(erased))(place);
        },
        &body, kCopied ? sizeof(Body) : 0);
  }

 private:
  friend class TeamPlace;
  using Body = void (*)(const void* erased, const TeamPlace& place);
  struct alignas(64) Signal {  // a cache line of its own
    std::atomic<std::uint64_t> value{0};
  };
  static constexpr std::size_t kCopiedBytes = 96;
  struct alignas(128) Task {
    std::atomic<std::uint64_t> number{0};
    Body body = nullptr;  // null: the team breaks up
    const void* erased = nullptr;
    int threads = 0;  // that take part
    alignas(8) std::byte copy[kCopiedBytes];
  };

  void lead_erased(void (*work)(const void*), const void* erased);
  static void share_erased(int threads, Body body, const void* erased, std::size_t copied);
  void share_here(int threads, Body body, const void* erased, std::size_t copied);
  void post(int threads, Body body, const void* erased);
  void follow(int index, std::uint64_t number);
  void meet(int index, int count, std::uint64_t meeting);

  Task task_;
  int threads_, members_ = 1;  // wanted, and there
  bool sharing_ = false;
  std::atomic<int> finished_{0};  // of the threads that work apart
  std::uint64_t apart_ = 0;       // number of the last task before they did
  std::unique_ptr<Signal[]> done_,
      arrived_;  // of each member: the number of its last task, its last meeting
};

}  // namespace sidenet
