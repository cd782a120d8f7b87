// A file that processes change in turn: no change is lost, and none is made by two at once.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "locked_file.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "sidenet/error.h"
#include "temporary_folder.h"

using namespace sidenet;
namespace fs = std::filesystem;

namespace {

using Folder = sidenet::testing::TemporaryFolder;
using sidenet::testing::put;
using sidenet::testing::read;

std::string refusal(const std::string& path, std::size_t most_bytes = 1000) {
  try {
    LockedFile file(path, most_bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

pid_t start(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    work();
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

int end_of(pid_t child) {
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void count_up(const std::string& path, int times) {
  for (int i = 0; i < times; ++i) {
    LockedFile file(path);
    file.replace(std::to_string(file.text().empty() ? 1 : std::stoi(file.text()) + 1));
  }
}

}  // namespace

TEST_CASE("a new file is empty; what is put in it is there for the next") {
  Folder folder;
  const std::string path = folder.at("state");
  {
    LockedFile file(path);
    CHECK(file.text().empty());
    CHECK(fs::exists(path));
    file.replace("one");
    CHECK(file.text() == "one");
    CHECK(read(path) == "one");
    file.replace(std::string("t\0wo", 4));
  }
  {
    LockedFile file(path);
    CHECK(file.text() == std::string("t\0wo", 4));
  }
  CHECK(read(path) == std::string("t\0wo", 4));  // nothing is written without replace()
  CHECK(folder.entries() == 1);
}

TEST_CASE("processes that count in one file lose no count") {
  constexpr int processes = 6, times = 60;
  Folder folder;
  const std::string path = folder.at("count");
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) children.push_back(start([&] { count_up(path, times); }));
  for (const pid_t child : children) CHECK(end_of(child) == 0);
  CHECK(read(path) == std::to_string(processes * times));
  CHECK(folder.entries() == 1);
}

TEST_CASE("threads count as processes do") {
  Folder folder;
  const std::string path = folder.at("count");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { count_up(path, 40); });
  for (std::thread& thread : threads) thread.join();
  CHECK(read(path) == "160");
}

TEST_CASE("the lock stays over replace(), for those who wait and for those who come") {
  Folder folder;
  const std::string path = folder.at("state"), order = folder.at("order");
  const auto mark = [&](const char* text) { std::ofstream(order, std::ios::app) << text; };
  // A child has its parent's descriptors, and a lock lasts as long as any of them: children come
  // before the lock.
  std::vector<pid_t> children;
  for (const char* go : {"1", "2", "3"}) {
    children.push_back(start([&] {
      while (!fs::exists(folder.at(go))) ::usleep(1000);
      LockedFile file(path);
      mark(file.text().c_str());
      file.replace(file.text() + "+");
    }));
  }
  auto file = std::make_unique<LockedFile>(path);
  const auto let_go = [&](const char* child, const char* text) {
    put(folder.at(child), "");
    ::usleep(50'000);  // it waits for the file that is there now
    file->replace(text);
  };
  let_go("1", "a");
  let_go("2", "b");
  let_go("3", "c");
  CHECK(read(order).empty());
  mark("first ");
  file.reset();
  for (const pid_t child : children) CHECK(end_of(child) == 0);
  CHECK(read(order) == "first cc+c++");
  CHECK(read(path) == "c+++");
}

TEST_CASE("who dies lets go: of a new empty file, and of one it has replaced") {
  Folder folder;
  const std::string path = folder.at("state");
  for (const bool replaces : {false, true}) {
    const pid_t child = start([&] {
      LockedFile file(path);
      if (replaces) file.replace("from the dead");
      put(folder.at("ready"), "");
      ::pause();
    });
    while (!fs::exists(folder.at("ready"))) ::usleep(1000);
    fs::remove(folder.at("ready"));
    ::kill(child, SIGKILL);
    CHECK(end_of(child) == -1);
    CHECK(LockedFile(path).text() == (replaces ? "from the dead" : ""));
  }
}

TEST_CASE("a process killed while it counts loses at most the count that it was at") {
  Folder folder;
  const std::string path = folder.at("count");
  unsigned state = 12345;
  for (int round = 0, before = 0; round < 30; ++round) {
    const pid_t child = start([&] { count_up(path, 1'000'000); });
    state = state * 1664525U + 1013904223U;
    ::usleep(500 + (state >> 8) % 8'000);
    ::kill(child, SIGKILL);
    CHECK(end_of(child) == -1);
    const std::string text = LockedFile(path).text();
    const int now = text.empty() ? 0 : std::stoi(text);
    CHECK(now >= before);
    before = now;
  }
  count_up(path, 1);
  CHECK(std::stoi(read(path)) > 1);
}

TEST_CASE("a file removed or replaced without the lock is not written over") {
  Folder folder;
  const std::string path = folder.at("state");
  const auto kept = [&](const std::function<void()>& change) {
    LockedFile file(path);
    change();
    const std::string expected = path + ": was removed, replaced or linked while it was in use";
    CHECK_THROWS_WITH_AS(file.replace("mine"), expected.c_str(), Error);
  };
  kept([&] { fs::remove(path); });
  CHECK(!fs::exists(path));
  kept([&] {
    put(folder.at("other"), "other");
    fs::rename(folder.at("other"), path);
  });
  CHECK(read(path) == "other");
  kept([&] { fs::create_hard_link(path, folder.at("link")); });
  fs::remove(folder.at("link"));
  kept([&] {
    fs::rename(path, folder.at("aside"));
    fs::create_symlink("aside", path);
  });
  CHECK(read(folder.at("aside")) == "other");
}

TEST_CASE("links, and what is no regular file, are refused and stay") {
  Folder folder;
  put(folder.at("real"), "old");
  fs::create_symlink("real", folder.at("link"));
  fs::create_symlink("nowhere", folder.at("dangling"));
  for (const char* name : {"link", "dangling"})
    CHECK(refusal(folder.at(name)) ==
          folder.at(name) + ": expected a regular file, got a symbolic link");
  CHECK(!fs::exists(folder.at("nowhere")));
  fs::create_hard_link(folder.at("real"), folder.at("second"));
  CHECK(refusal(folder.at("real")) ==
        folder.at("real") + ": expected a file with one name, got one with 2 hard links");
  CHECK(read(folder.at("real")) == "old");
  REQUIRE(::mkfifo(folder.at("fifo").c_str(), 0600) == 0);
  CHECK(refusal(folder.at("fifo")) ==
        folder.at("fifo") + ": expected a regular file, got a device, pipe or socket");
  CHECK(refusal("/dev/null") == "/dev/null: expected a regular file, got a device, pipe or socket");
  CHECK(refusal(folder.path).starts_with(folder.path + ": cannot be opened for writing: "));
  CHECK(refusal(folder.at("missing/state")) ==
        folder.at("missing/state") + ": cannot be opened for writing: No such file or directory");
  CHECK(refusal("") == ": cannot be opened for writing: No such file or directory");
}

TEST_CASE("a file that is too large is neither read nor written") {
  Folder folder;
  const std::string path = folder.at("state");
  put(path, std::string(101, 'x'));
  CHECK(refusal(path, 100) == path + ": expected at most 100 bytes, got more");
  CHECK(LockedFile(path, 101).text().size() == 101);
  CHECK_THROWS_AS(LockedFile(path, 101).replace(std::string(102, 'y')), Error);
  CHECK(read(path) == std::string(101, 'x'));
  fs::resize_file(path, std::uintmax_t{1} << 40);
  CHECK(refusal(path) == path + ": expected at most 1000 bytes, got more");
}

TEST_CASE("permissions stay") {
  Folder folder;
  const std::string path = folder.at("state");
  put(path, "");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  LockedFile(path).replace("new");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}
