// Outputs are never lost: what a reader finds is the old file or the whole new one, whatever
// happens to the writer.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "atomic_file.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "file_names.h"
#include "sidenet/error.h"
#include "temporary_folder.h"

using namespace sidenet;
namespace fs = std::filesystem;

namespace {

using Folder = sidenet::testing::TemporaryFolder;
using sidenet::testing::put;
using sidenet::testing::read;

void save(const std::string& path, const std::string& bytes, bool unnamed = true) {
  AtomicFile file(path, unnamed);
  file.write(bytes);
  file.commit();
}

std::string refusal(const std::string& path, bool unnamed = true) {
  try {
    save(path, "new", unnamed);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Exit status of `work` in a child of its own; it can lower limits and give up rights.
int in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Size, seed and a sum: what is not one of these whole is not valid.
std::string whole_file(unsigned seed) {
  std::string bytes(200 + seed * 7919 % 300'000, '\0');
  unsigned state = seed * 2654435761U + 1;
  for (char& c : bytes) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24);
  const std::string head = std::to_string(seed) + ' ' + std::to_string(bytes.size()) + '\n';
  return head + bytes;
}

bool is_whole(const std::string& bytes) {
  char* end = nullptr;
  const unsigned long seed = std::strtoul(bytes.c_str(), &end, 10);
  return seed < 1'000'000 && bytes == whole_file(static_cast<unsigned>(seed));
}

}  // namespace

TEST_CASE("a new file, and one over an old one, by both ways") {
  for (const bool unnamed : {true, false}) {
    Folder folder;
    const std::string path = folder.at("out");
    save(path, "first", unnamed);
    CHECK(read(path) == "first");
    save(path, "second", unnamed);
    CHECK(read(path) == "second");
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("without commit the old file stays and nothing is left") {
  for (const bool unnamed : {true, false}) {
    Folder folder;
    put(folder.at("out"), "old");
    {
      AtomicFile file(folder.at("out"), unnamed);
      file.write(std::string(100'000, 'x'));
      CHECK(read(folder.at("out")) == "old");
      CHECK(folder.entries() == (unnamed ? 1 : 2));
    }
    CHECK(read(folder.at("out")) == "old");
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("a temporary file with a name tells what it is") {
  Folder folder;
  AtomicFile file(folder.at("model.safetensors"), false);
  CHECK(fs::directory_iterator(folder.path)
            ->path()
            .filename()
            .string()
            .starts_with("model.safetensors.partial-"));
}

TEST_CASE("the longest name that the system takes") {
  for (const bool unnamed : {true, false}) {
    Folder folder;
    const std::string path = folder.at(std::string(255, 'n'));
    save(path, "bytes", unnamed);
    CHECK(read(path) == "bytes");
    CHECK(holds(refusal(folder.at(std::string(256, 'n')), unnamed), "too long"));
  }
}

TEST_CASE("the longest path that the system takes") {
  for (const bool unnamed : {true, false}) {
    Folder folder;
    std::string path = folder.path;
    while (path.size() < 3800) fs::create_directory(path += "/" + std::string(200, 'd'));
    for (const std::size_t left :
         {std::size_t{1}, std::size_t{12}, 4095 - path.size() - 202}) {  // of the name
      std::string deep = path;
      fs::create_directory(deep += "/" + std::string(4095 - path.size() - left - 2, 'd'));
      const std::string target = deep + "/" + std::string(left, 'n');
      CAPTURE(left);
      REQUIRE(target.size() == 4095);
      if (left < 17) {  // no name has room beside it: told before any work is done
        CHECK_THROWS_WITH_AS(AtomicFile(target, unnamed),
                             doctest::Contains("cannot be written: File name too long"), Error);
        continue;
      }
      save(target, "bytes", unnamed);
      CHECK(read(target) == "bytes");
    }
  }
}

TEST_CASE("a name beside another is as long as the system allows, and never the other one") {
  Folder folder;
  const auto name = [&](const std::string& of) {
    return path_beside(folder.at(of), ".cache").substr(folder.path.size() + 1);
  };
  CHECK(name("m") == "m.cache");
  CHECK(path_beside("m", ".cache") == "m.cache");
  CHECK(path_beside("/m", ".cache") == "/m.cache");
  CHECK(name(std::string(249, 'n')) == std::string(249, 'n') + ".cache");
  CHECK(name(std::string(255, 'n')) == std::string(249, 'n') + ".cache");
  CHECK(name(std::string(249, 'n') + ".cache") == std::string(248, 'n') + ".cache");
  CHECK(name(std::string(248, 'n') + "\xC3\xA4 and more") ==
        std::string(248, 'n') + ".cache");  // no half of a character
}

TEST_CASE("a child that saves in a loop is killed at random moments") {
  for (const bool unnamed : {true, false}) {
    CAPTURE(unnamed);
    Folder folder;
    const std::string path = folder.at("out");
    save(path, whole_file(0), unnamed);
    unsigned state = 12345;
    std::size_t changes = 0, broken = 0, leftovers = 0;
    std::string before = read(path);
    for (unsigned round = 0; round < 200; ++round) {
      const pid_t child = ::fork();
      if (child == 0) {
        try {
          for (unsigned seed = round * 1000 + 1;; ++seed) save(path, whole_file(seed), unnamed);
        } catch (...) {
          ::_exit(1);
        }
      }
      state = state * 1664525U + 1013904223U;
      ::usleep(200 + (state >> 8) % 12'000);
      ::kill(child, SIGKILL);
      int status = 0;
      REQUIRE(::waitpid(child, &status, 0) == child);
      REQUIRE(WIFSIGNALED(status));
      const std::string now = read(path);
      broken += !is_whole(now);
      changes += now != before;
      before = now;
      for (const auto& entry : fs::directory_iterator(folder.path)) {
        if (entry.path() == path) continue;
        CHECK(entry.path().filename().string().starts_with("out.partial-"));
        // One without a name gets it only when it is whole.
        if (unnamed) CHECK(is_whole(read(entry.path())));
        ++leftovers;
        fs::remove(entry.path());
      }
    }
    CHECK(broken == 0);
    CHECK(changes > 20);
    const std::string way = unnamed ? "unnamed: " : "named: ";
    MESSAGE(way, changes, " of 200 kills after a change, ", leftovers, " temporary files left");
  }
}

TEST_CASE("several writers of one file: it is always one of theirs, whole") {
  Folder folder;
  const std::string path = folder.at("out");
  save(path, whole_file(0));
  std::vector<std::thread> writers;
  for (unsigned writer = 1; writer <= 4; ++writer) {
    writers.emplace_back([&path, writer] {
      for (unsigned i = 0; i < 20; ++i) save(path, whole_file(writer * 100 + i));
    });
  }
  for (int i = 0; i < 50; ++i) CHECK(is_whole(read(path)));
  for (std::thread& writer : writers) writer.join();
  CHECK(is_whole(read(path)));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a write that the system cuts short: one error, the old file, nothing left") {
  for (const bool unnamed : {true, false}) {
    Folder folder;
    put(folder.at("out"), "old");
    const int status = in_child([&] {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{4096, 4096};
      if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 3;
      try {
        save(folder.at("out"), std::string(100'000, 'x'), unnamed);
      } catch (const Error& error) {
        const std::string what = error.what();
        return holds(what, folder.at("out") + ": cannot be written (write)") && !holds(what, "\n")
                   ? 0
                   : 1;
      }
      return 2;
    });
    CHECK(status == 0);
    CHECK(read(folder.at("out")) == "old");
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("permissions are the old file's, or a new file's") {
  for (const bool unnamed : {true, false}) {
    Folder folder;
    const std::string path = folder.at("out");
    CHECK(in_child([&] {
            ::umask(027);
            save(path, "new", unnamed);
            return 0;
          }) == 0);
    CHECK(mode_of(path) == 0640);
    for (const mode_t mode : {0600U, 0644U, 0664U, 0755U}) {
      REQUIRE(::chmod(path.c_str(), mode) == 0);
      AtomicFile file(path, unnamed);
      if (!unnamed) {  // what replaces a private file is private from the start
        for (const auto& entry : fs::directory_iterator(folder.path)) {
          if (entry.path() != path) CHECK(mode_of(entry.path()) == 0600);
        }
      }
      file.write(std::string("newer"));
      file.commit();
      CHECK(mode_of(path) == mode);
    }
    CHECK(read(path) == "newer");
  }
}

TEST_CASE("root's writing keeps a file's owner and group") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  Folder folder;
  const std::string path = folder.at("out");
  put(path, "old");
  REQUIRE(::chown(path.c_str(), 1234, 4321) == 0);
  save(path, "new");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(status.st_uid == 1234);
  CHECK(status.st_gid == 4321);
}

TEST_CASE("a folder or a file that may not be written") {
  for (const bool unnamed : {true, false}) {
    Folder folder;
    put(folder.at("protected"), "old");
    REQUIRE(::chmod(folder.at("protected").c_str(), 0444) == 0);
    REQUIRE(::mkdir(folder.at("closed").c_str(), 0555) == 0);
    REQUIRE(::chmod(folder.path.c_str(), 0777) == 0);
    const int status = in_child([&] {
      if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 3;
      if (!holds(refusal(folder.at("protected"), unnamed), "protected: cannot be written"))
        return 1;
      return holds(refusal(folder.at("closed/out"), unnamed), "closed/out: cannot be written") ? 0
                                                                                               : 2;
    });
    CHECK(status == 0);
    CHECK(read(folder.at("protected")) == "old");
    CHECK(folder.entries() == 2);
    CHECK(holds(refusal(folder.at("missing/out"), unnamed),
                "missing/out: cannot be written: No such file"));
    CHECK(holds(refusal(folder.at("protected/out"), unnamed), "Not a directory"));
  }
}

TEST_CASE("a symbolic link stays, and what it leads to is replaced") {
  for (const bool unnamed : {true, false}) {
    Folder folder;
    fs::create_directory(folder.at("store"));
    put(folder.at("store/v1"), "old");
    fs::create_symlink("store/v1", folder.at("current"));
    fs::create_symlink(folder.at("current"), folder.at("chain"));
    save(folder.at("chain"), "new", unnamed);
    CHECK(fs::is_symlink(folder.at("chain")));
    CHECK(fs::is_symlink(folder.at("current")));
    CHECK(!fs::is_symlink(folder.at("store/v1")));
    CHECK(read(folder.at("store/v1")) == "new");

    fs::create_symlink("store/v2", folder.at("dangling"));
    save(folder.at("dangling"), "v2", unnamed);
    CHECK(fs::is_symlink(folder.at("dangling")));
    CHECK(read(folder.at("store/v2")) == "v2");

    fs::create_symlink("loop", folder.at("loop"));
    CHECK(holds(refusal(folder.at("loop"), unnamed), "loop: cannot be written"));
    fs::create_symlink("store", folder.at("folder"));
    CHECK(holds(refusal(folder.at("folder"), unnamed), "expected a file, got a folder"));
  }
}

TEST_CASE("what is no regular file is refused and stays what it is") {
  Folder folder;
  const std::string fifo = folder.at("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const std::string device =
      folder.at("null");  // not the machine's own, which root could destroy if we were wrong
  const bool made = ::mknod(device.c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;
  for (const bool unnamed : {true, false}) {
    for (const std::string& path : {fifo, made ? device : fifo, folder.path})
      CHECK(holds(refusal(path, unnamed), path + ": cannot be written: expected a"));
    CHECK(!refusal("", unnamed).empty());
    CHECK(!refusal(folder.path + "/", unnamed).empty());
  }
  CHECK(fs::is_fifo(fifo));
  CHECK(fs::is_character_file(device) == made);
  CHECK(folder.entries() == (made ? 2 : 1));
}

TEST_CASE("a link such as /dev/stdout is refused, wherever it leads") {
  Folder folder;
  const std::string out = folder.at("redirected"), link = folder.at("stdout");
  fs::create_symlink("/proc/self/fd/1", link);
  const int status = in_child([&] {
    if (::freopen(out.c_str(), "w", stdout) == nullptr) return 3;
    if (!holds(refusal(link), "expected a file's name, got an open file")) return 1;
    return holds(refusal("/proc/self/fd/1"), "expected a file's name") ? 0 : 2;
  });
  CHECK(status == 0);
  CHECK(fs::is_symlink(link));
  CHECK(read(out).empty());
  CHECK(folder.entries() == 2);
}
