// The folders of caches: what others may have put there, links above all, is neither read nor
// written through.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "own_folder.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include "atomic_file.h"
#include "sidenet/error.h"
#include "temporary_folder.h"

using namespace sidenet;
namespace fs = std::filesystem;

namespace {

using Folder = sidenet::testing::TemporaryFolder;
using sidenet::testing::put;
using sidenet::testing::read;

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}
std::string refusal(const std::string& path) {
  return error_of([&] { OwnFolder folder(path); });
}
std::string refusal_inside(const std::string& path) {
  return error_of([&] { OwnFolder::inside(path, "key"); });
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string text_of(const OwnFolder& folder, const std::string& name) {
  const auto file = folder.map(name);
  return file ? std::string(reinterpret_cast<const char*>(file->bytes().data()),
                            file->bytes().size())
              : "(none)";
}

// Everything that may stand where a file of ours is looked for, and is none. `victim` is what links
// lead to.
const std::vector<
    std::pair<const char*, std::function<void(const std::string&, const std::string&)>>>
    strangers{
        {"a link", [](const std::string& path,
                      const std::string& victim) { fs::create_symlink(victim, path); }},
        {"a link to nothing",
         [](const std::string& path, const std::string&) { fs::create_symlink("nowhere", path); }},
        {"a link to itself",
         [](const std::string& path, const std::string&) { fs::create_symlink(path, path); }},
        {"a second name", [](const std::string& path,
                             const std::string& victim) { fs::create_hard_link(victim, path); }},
        {"a pipe", [](const std::string& path,
                      const std::string&) { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); }},
        {"others may write",
         [](const std::string& path, const std::string&) {
           put(path, "theirs");
           fs::permissions(path, fs::perms::group_write, fs::perm_options::add);
         }},
        {"another's",
         [](const std::string& path, const std::string&) {
           put(path, "theirs");
           if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 12345, 12345) == 0);
         }},
    };

}  // namespace

TEST_CASE("a folder is made, and is the user's own alone") {
  const Folder folder;
  const std::string path = folder.at("cache");
  CHECK(refusal(path).empty());
  CHECK(refusal(path + "//").empty());
  CHECK((fs::status(path).permissions() & fs::perms::all) == fs::perms::owner_all);
  CHECK(refusal_inside(folder.at("far/away")).empty());
  CHECK(fs::is_directory(folder.at("far/away/key")));
  CHECK(has(refusal(folder.at("no/such")), "cannot make a folder"));
  for (const fs::perms perms : {fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(path, fs::perms::owner_all | perms);
    CHECK(has(refusal(path), "nobody else may write to"));
  }
  put(folder.at("file"), "");
  CHECK(has(refusal(folder.at("file")), "expected a folder"));
  CHECK(has(refusal_inside(folder.at("file")), "cannot make a folder"));
  if (::geteuid() != 0) return;
  fs::create_directory(folder.at("another's"));
  REQUIRE(::chown(folder.at("another's").c_str(), 12345, 12345) == 0);
  CHECK(has(refusal(folder.at("another's")), "your own"));
}

TEST_CASE("a folder that is a link is refused") {
  const Folder folder;
  fs::create_directory(folder.at("target"));
  fs::create_symlink("target", folder.at("link"));
  fs::create_symlink("nowhere", folder.at("broken"));
  for (const std::string name : {"link", "link/", "link//", "broken"}) {
    CHECK(has(refusal(folder.at(name)), "got a link"));
    if (name != "broken") CHECK(has(refusal_inside(folder.at(name)), "got a link"));
  }
  CHECK(!refusal_inside(folder.at("broken")).empty());
  fs::create_directory(folder.at("outer"));
  fs::create_symlink("../target", folder.at("outer/key"));
  CHECK(has(refusal_inside(folder.at("outer")),
            folder.at("outer/key") + ": expected a folder, got a link"));
  CHECK(fs::is_empty(folder.at("target")));
}

TEST_CASE("what is not ours is not read, and replaced by name") {
  for (const auto& stranger : strangers) {
    const std::string what = stranger.first;
    CAPTURE(what);
    if (what == "another's" && ::geteuid() != 0) continue;
    const Folder folder;
    const OwnFolder own(folder.at("cache"));
    const std::string path = own.path_of("file"), victim = folder.at("victim");
    put(victim, "precious");
    stranger.second(path, victim);
    CHECK(has(error_of([&] { own.map("file"); }), "expected a file of your own"));
    CHECK(
        has(error_of([&] { own.open("file", O_RDWR | O_CREAT); }), "expected a file of your own"));
    CHECK(!own.status("file"));
    AtomicFile file(own, "file");
    file.write("new");
    file.commit();
    CHECK(text_of(own, "file") == "new");
    CHECK((fs::symlink_status(path).permissions() & fs::perms::all) ==
          (fs::perms::owner_read | fs::perms::owner_write));
    CHECK(read(victim) == "precious");
    CHECK(own.names() == std::vector<std::string>{"file"});
  }
}

TEST_CASE("removal takes the name, not what it leads to") {
  const Folder folder;
  const OwnFolder own(folder.at("cache"));
  put(folder.at("victim"), "precious");
  fs::create_symlink(folder.at("victim"), own.path_of("file"));
  CHECK(own.remove("file"));
  CHECK(own.remove("file"));
  CHECK(own.names().empty());
  CHECK(read(folder.at("victim")) == "precious");
  fs::create_directory(own.path_of("folder"));
  CHECK(!own.remove("folder"));
  CHECK_THROWS_AS(AtomicFile(own, "folder"), Error);
  CHECK(has(error_of([&] { own.map("folder"); }), "expected a file"));
}

TEST_CASE("files of ours") {
  const Folder folder;
  const OwnFolder own(folder.at("cache"));
  CHECK(own.map("none") == nullptr);
  CHECK(!own.open("none", O_RDONLY));
  {
    AtomicFile file(own, "file");
    file.write("text");
  }
  CHECK(own.names().empty());  // not committed
  for (const char* text : {"text", "other"}) {
    AtomicFile file(own, "file", text == std::string("text"));
    file.write(text);
    file.commit();
    CHECK(text_of(own, "file") == text);
    CHECK(own.status("file")->st_size == static_cast<off_t>(std::string(text).size()));
  }
  CHECK(own.open("made", O_RDWR | O_CREAT));
  CHECK(own.status("made")->st_size == 0);
  CHECK(own.map("made")->bytes().empty());
}

TEST_CASE("a folder that takes its name later changes nothing") {
  const Folder folder;
  const OwnFolder own(folder.at("cache"));
  fs::create_directory(folder.at("trap"));
  fs::rename(own.path(), folder.at("moved"));
  fs::create_symlink("trap", own.path());
  AtomicFile file(own, "file");
  file.write("text");
  file.commit();
  CHECK(text_of(own, "file") == "text");
  CHECK(fs::is_empty(folder.at("trap")));
  CHECK(read(folder.at("moved/file")) == "text");
  fs::remove_all(folder.at("moved"));
  CHECK_THROWS_AS(AtomicFile(own, "file"), Error);
  CHECK(own.names().empty());
}
