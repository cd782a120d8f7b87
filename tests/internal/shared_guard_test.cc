// A guard that lives in a file: as one that never stopped, every row once, whoever brings it.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "sidenet/shared_guard.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "guard_state.h"
#include "random.h"
#include "sidenet/error.h"
#include "temporary_folder.h"

using namespace sidenet;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using Folder = sidenet::testing::TemporaryFolder;
using sidenet::testing::read;

GuardState begin(GuardAction action = GuardAction::warn, double limit = 0.05) {
  const std::map<std::string, double> thresholds = {{"a", 0.7}, {"b", 0.9}};
  return {.model = "0123",
          .action = action,
          .confidence = Confidence::max_probability,
          .given = thresholds,
          .guard = DriftGuard(limit, 0.2),
          .thresholds = thresholds};
}

void add(SharedGuard& guard, Random& random, double share, double rate) {
  if (random.uniform() < share) {
    guard.add_audited(random.uniform() < rate);
  } else {
    guard.add_row();
  }
}

/// Runs `work` in children at the same time; none may fail.
void in_children(int count, const std::function<void(int)>& work) {
  std::vector<pid_t> children;
  for (int i = 0; i < count; ++i) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    try {
      work(i);
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
}

}  // namespace

TEST_CASE("the text of a state gives it back to the bit") {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    const double limit = round % 3 == 0 ? 0 : random.uniform();
    GuardState state = begin(round % 2 == 0 ? GuardAction::raise : GuardAction::warn, limit);
    state.given["b"] = state.thresholds["b"] =
        round % 5 == 0 ? std::numeric_limits<double>::infinity() : random.uniform();
    state.given["c\"\n"] = state.thresholds["c\"\n"] = std::ldexp(random.uniform(), -round);
    SharedGuard guard(state);
    for (int row = 0; row < 20 * round; ++row) add(guard, random, 0.3, 0.3);
    guard.merge();
    const std::string text = guard_state_text(guard.state());
    const GuardState back = read_guard_state(text, "x.state", state);
    CHECK(guard_state_text(back) == text);
    CHECK(back.guard.state() == guard.state().guard.state());
    CHECK(back.thresholds == guard.state().thresholds);
    CHECK(back.rows == guard.state().rows);
    CHECK(back.audited == guard.state().audited);
    CHECK(back.alarms == guard.state().alarms);
    CHECK(back.alarm_row == guard.state().alarm_row);
  }
}

TEST_CASE("restarted at any row, it is as one that never stopped: state, alarms and thresholds") {
  for (const GuardAction action : {GuardAction::warn, GuardAction::raise}) {
    int alarms = 0;
    for (std::uint64_t stream = 0; stream < 8; ++stream) {
      Folder folder;
      Random rows(2, stream), same_rows(2, stream), cuts(3, stream);
      SharedGuard whole(begin(action));
      std::unique_ptr<SharedGuard> cut;
      for (int batch = 0; batch < 40; ++batch) {
        if (!cut || cuts.uniform() < 0.3)
          cut = std::make_unique<SharedGuard>(begin(action), folder.at("state"));
        const int count = 1 + static_cast<int>(cuts.uniform() * 20);
        for (int row = 0; row < count; ++row) {
          add(whole, rows, 0.4, stream % 2 == 0 ? 0.05 : 0.2);
          add(*cut, same_rows, 0.4, stream % 2 == 0 ? 0.05 : 0.2);
        }
        const auto one = whole.merge(), other = cut->merge();
        REQUIRE(one.size() == other.size());
        for (std::size_t i = 0; i < one.size(); ++i) {
          ++alarms;
          CHECK(one[i].row == other[i].row);
          CHECK(other[i].own);
          CHECK(one[i].recent.rows == other[i].recent.rows);
          CHECK(one[i].rate.lower == other[i].rate.lower);
          CHECK(one[i].thresholds == other[i].thresholds);
        }
        CHECK(guard_state_text(whole.state()) == guard_state_text(cut->state()));
        CHECK(read(folder.at("state")) == guard_state_text(cut->state()));
      }
    }
    CHECK(alarms >= 4);
  }
}

TEST_CASE("two at once: each row once, in the order in which they come") {
  Folder folder;
  Random random(4), same(4);
  SharedGuard one(begin(), folder.at("state")), other(begin(), folder.at("state")), both(begin());
  for (int turn = 0; turn < 20; ++turn) {
    SharedGuard& mine = turn % 3 == 0 ? one : other;
    for (int row = 0; row < 7; ++row) {
      add(mine, random, 0.5, 0.05);
      add(both, same, 0.5, 0.05);
    }
    mine.merge();
    both.merge();
    CHECK(guard_state_text(mine.state()) == guard_state_text(both.state()));
    mine.merge();  // nothing is brought twice
    CHECK(guard_state_text(mine.state()) == guard_state_text(both.state()));
  }
  CHECK(one.rows() + other.rows() == both.state().rows);
  CHECK(one.audited() + other.audited() == both.state().audited);
  CHECK(one.rows() == 49);
}

TEST_CASE("processes at once: rows, audits and what differs add up") {
  constexpr int processes = 5, rows = 120;
  Folder folder;
  const std::string path = folder.at("state");
  in_children(processes, [&](int process) {
    SharedGuard guard(begin(GuardAction::warn, 1), path);
    for (int row = 0; row < rows; ++row) {
      if (row % 3 == 0) {
        guard.add_audited(row % 6 == 0);
      } else {
        guard.add_row();
      }
      if (row % (4 + process) == 0) guard.merge();
    }
    guard.merge();
  });
  const GuardState state = SharedGuard(begin(GuardAction::warn, 1), path).state();
  CHECK(state.rows == processes * rows);
  CHECK(state.audited == processes * rows / 3);
  CHECK(state.guard.rate().rows == processes * rows / 3);
  CHECK(state.guard.rate().differing == processes * rows / 6);
}

TEST_CASE(
    "evidence of the first makes the second alarm; the first is told, and takes over the "
    "thresholds") {
  for (const GuardAction action : {GuardAction::warn, GuardAction::raise}) {
    CAPTURE(name_of(action));
    Folder folder;
    SharedGuard alone(begin(action));
    int needed = 0;  // rows that differ until the alarm
    while (alone.state().alarms == 0) {
      alone.add_audited(true);
      alone.merge();
      ++needed;
    }
    REQUIRE(needed >= 2);
    SharedGuard first(begin(action), folder.at("state"));
    for (int row = 1; row < needed; ++row) first.add_audited(true);
    CHECK(first.merge().empty());
    SharedGuard second(begin(action), folder.at("state"));
    second.add_row();
    second.add_audited(true);
    const auto alarms = second.merge();
    REQUIRE(alarms.size() == 1);
    CHECK(alarms[0].own);
    CHECK(alarms[0].row == needed + 1);
    CHECK(alarms[0].recent.differing == needed);
    CHECK((alarms[0].thresholds == begin().given) == (action == GuardAction::warn));

    // What the first has seen since is of the old thresholds: counted, no evidence of the new ones.
    first.add_audited(true);
    const auto told = first.merge();
    REQUIRE(told.size() == 1);
    CHECK(!told[0].own);
    CHECK(told[0].row == needed + 1);
    CHECK(told[0].thresholds == alarms[0].thresholds);
    CHECK(first.state().thresholds == alarms[0].thresholds);
    CHECK(first.state().audited == needed + 1);
    CHECK(first.state().guard.rate().rows == (action == GuardAction::warn ? needed + 1 : 0));
    CHECK(first.merge().empty());
    // Who comes later finds it so, and has no alarm to tell.
    SharedGuard third(begin(action), folder.at("state"));
    CHECK(third.state().alarms == 1);
    CHECK(third.state().thresholds == alarms[0].thresholds);
    CHECK(third.merge().empty());
  }
}

TEST_CASE("rows that cannot be brought wait; a file that is removed is a new beginning") {
  Folder folder;
  const std::string path = folder.at("state");
  SharedGuard guard(begin(), path);
  guard.add_audited(false);
  guard.merge();
  std::ofstream(path) << "damaged";
  guard.add_audited(true);
  CHECK_THROWS_AS(guard.merge(), Error);
  CHECK(read(path) == "damaged");
  guard.add_row();
  CHECK_THROWS_AS(guard.merge(), Error);
  CHECK(guard.state().rows == 1);
  CHECK(guard.rows() == 3);
  fs::remove(path);
  CHECK(guard.merge().empty());
  CHECK(guard.state().rows == 2);
  CHECK(guard.state().guard.rate().differing == 1);
  CHECK(guard.rows() == 3);
}

TEST_CASE("a state that cannot be read stays, and says what to do") {
  Folder folder;
  const auto error_of = [&](const std::string& path) {
    try {
      SharedGuard guard(begin(), path);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  fs::create_symlink("elsewhere", folder.at("link"));
  CHECK(error_of(folder.at("link")) ==
        folder.at("link") + ": expected a regular file, got a symbolic link; give another file");
  std::ofstream(folder.at("large")) << std::string((1 << 20) + 1, ' ');
  CHECK(error_of(folder.at("large")) ==
        folder.at("large") + ": expected at most 1048576 bytes, got more; give another file");
  CHECK(fs::file_size(folder.at("large")) == (1 << 20) + 1);
  std::ofstream(folder.at("empty")).flush();
  CHECK(error_of(folder.at("empty")) == "");
  CHECK(read(folder.at("empty")) == guard_state_text(begin()));
}

TEST_CASE("a disk that is full: the old state, whole, and the rows wait") {
  Folder folder;
  const std::string path = folder.at("state");
  SharedGuard(begin(), path);
  const std::string before = read(path);
  in_children(1, [&](int) {
    ::signal(SIGXFSZ, SIG_IGN);
    SharedGuard guard(begin(), path);
    const rlimit limit{512, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(3);
    guard.add_audited(true);
    try {
      guard.merge();
      ::_exit(4);
    } catch (const Error& error) {
      if (std::string(error.what()).find(": cannot be written (write): File too large") ==
          std::string::npos)
        ::_exit(5);
    }
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &none) != 0 || read(path) != before) ::_exit(6);
    guard.merge();
    if (guard.state().rows != 1) ::_exit(7);
  });
  CHECK(SharedGuard(begin(), path).state().rows == 1);
}

TEST_CASE("a folder in which nothing can be replaced is told of at the start") {
  Folder folder;
  SharedGuard(begin(), folder.at("state"));
  REQUIRE(::chmod(folder.at("state").c_str(), 0666) == 0);
  REQUIRE(::chmod(folder.path.c_str(), 0555) == 0);
  in_children(1, [&](int) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(3);
    try {
      SharedGuard(begin(), folder.at("state"));
      ::_exit(4);
    } catch (const Error& error) {
      if (error.what() !=
          folder.at("state") + ": cannot be written: Permission denied; give another file")
        ::_exit(5);
    }
  });
  REQUIRE(::chmod(folder.path.c_str(), 0755) == 0);
}

TEST_CASE("a memory's guard is always due after rows, a file's by the clock") {
  Folder folder;
  SharedGuard memory(begin()), file(begin(), folder.at("state"));
  CHECK(!memory.due_in());
  memory.add_row();
  CHECK(memory.due_in() == 0ms);
  CHECK(!memory.is_stale());
  CHECK(!file.due_in());
  file.add_audited(true);
  CHECK(file.due_in() <= 200ms);
  ::usleep(210'000);
  CHECK(file.is_stale());
  CHECK(file.due_in() == 0ms);
  file.merge();
  CHECK(!file.due_in());
  CHECK(!file.is_stale());
}
