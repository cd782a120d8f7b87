#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "feature_cache.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "sidenet/error.h"
#include "temporary_folder.h"

using namespace sidenet;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t rows = 23, batch = 5;
const std::vector<std::string> columns{"layer1", "layer2", "logits"};
constexpr std::int64_t widths[] = {7, 4, 3};

using sidenet::testing::read;
using sidenet::testing::TemporaryFolder;

struct Folder : TemporaryFolder {
  std::string file(const std::string& name) const { return path + "/key1/" + name; }
};

float value(std::int64_t column, std::int64_t row, std::int64_t i) {
  return static_cast<float>(1000 * column + 10 * row + i) + 0.5f;
}

std::vector<Tensor> make_batch(std::int64_t first, std::int64_t count) {
  std::vector<Tensor> result;
  for (std::int64_t c = 0; c < 3; ++c) {
    Tensor tensor(DType::f32, {count, widths[c]});
    for (std::int64_t r = 0; r < count; ++r) {
      for (std::int64_t i = 0; i < widths[c]; ++i)
        tensor.mutable_data<float>()[r * widths[c] + i] = value(c, first + r, i);
    }
    result.push_back(tensor);
  }
  return result;
}

FeatureCache open(const Folder& folder, const std::string& key = "key1") {
  return {folder.path, key, rows, columns};
}

/// Appends up to `until`, as the data's batches from the last row done on.
void fill(FeatureCache& cache, std::int64_t until) {
  while (cache.rows_done() < until)
    cache.append(make_batch(cache.rows_done(), std::min(batch, until - cache.rows_done())));
}

void check_complete(const FeatureCache& cache) {
  REQUIRE(cache.rows_done() == rows);
  for (std::int64_t c = 0; c < 3; ++c) {
    const Tensor column = cache.column(static_cast<std::size_t>(c));
    REQUIRE(column.shape() == Shape{rows, widths[c]});
    for (std::int64_t i = 0; i < column.size(); ++i) {
      REQUIRE(column.data<float>()[i] == value(c, i / widths[c], i % widths[c]));
    }
  }
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("an interrupted cache goes on and ends the same as an uninterrupted one") {
  Folder whole, parts;
  {
    FeatureCache cache = open(whole);
    fill(cache, rows);
    cache.checkpoint();
    check_complete(cache);
  }
  for (const std::int64_t until : {std::int64_t{5}, std::int64_t{15}, rows}) {
    FeatureCache cache = open(parts);
    fill(cache, until);
  }  // each time the destructor records what was appended
  {
    FeatureCache cache = open(parts);
    check_complete(cache);
  }
  for (const char* name : {"column0.f32", "column1.f32", "column2.f32", "progress"})
    CHECK(read(whole.file(name)) == read(parts.file(name)));
}

TEST_CASE("a killed process loses only rows that were not recorded") {
  Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    FeatureCache cache = open(folder);
    fill(cache, 10);
    cache.checkpoint();
    fill(cache, 20);
    ::_exit(0);  // nothing is destroyed
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  FeatureCache cache = open(folder);
  CHECK(cache.rows_done() == 10);
  fill(cache, rows);
  cache.checkpoint();
  check_complete(cache);
}

TEST_CASE("damage is found, and the cache made again") {
  Folder folder;
  const auto fresh = [&] {
    FeatureCache cache = open(folder);
    fill(cache, rows);
  };
  fresh();
  std::string name;
  std::string damaged;
  SUBCASE("a data file is too short") {
    name = "column1.f32";
    damaged = read(folder.file(name));
    damaged.pop_back();
  }
  SUBCASE("a bit of the data") {
    name = "column2.f32";
    damaged = read(folder.file(name));
    damaged[40] = static_cast<char>(damaged[40] ^ 1);
  }
  SUBCASE("two rows changed places") {
    name = "column1.f32";
    damaged = read(folder.file(name));
    std::swap_ranges(damaged.begin(), damaged.begin() + 16, damaged.begin() + 16);
  }
  SUBCASE("a digit of the progress") {
    name = "progress";
    damaged = read(folder.file(name));
    damaged.replace(damaged.find("rows 23"), 7, "rows 21");
  }
  SUBCASE("half of the progress") {
    name = "progress";
    damaged = read(folder.file(name));
    damaged.resize(damaged.size() / 2);
  }
  SUBCASE("an empty progress") { name = "progress"; }
  SUBCASE("garbage") {
    name = "progress";
    damaged = std::string(5000, '\xff');
  }
  write(folder.file(name), damaged);
  FeatureCache cache = open(folder);
  CHECK(cache.rows_done() == 0);
  fill(cache, rows);
  cache.checkpoint();
  check_complete(cache);
}

TEST_CASE("what a secret says of the key is compared") {
  Folder folder;
  const auto open_with = [&](const std::string& model) {
    return FeatureCache(folder.path, "key1", rows, columns,
                        [&](const SecretKey& key) { return SecretDigest(key).add(model).hex(); });
  };
  const auto done = [&](const std::string& model) {
    FeatureCache cache = open_with(model);
    const std::int64_t before = cache.rows_done();
    fill(cache, rows);
    return before;
  };
  CHECK(done("good") == 0);
  CHECK(done("good") == rows);
  CHECK(done("of the same key") == 0);
  CHECK(done("good") == 0);
  fs::remove(folder.file("secret"));
  CHECK(done("good") == 0);
  FeatureCache cache = open_with("good");
  cache.remove();
  CHECK(fs::is_empty(folder.path));
}

TEST_CASE("a cache that is cut goes on from there") {
  for (const std::int64_t until : {std::int64_t{10}, rows}) {
    Folder folder;
    {
      FeatureCache cache = open(folder);
      fill(cache, until);
      CHECK(cache.rows_of(1).shape() == Shape{until, widths[1]});
      CHECK_THROWS_AS(cache.cut(until + 1), Error);
      CHECK_THROWS_AS(cache.cut(-1), Error);
      cache.cut(until);
      CHECK(cache.rows_done() == until);
      cache.cut(7);
      CHECK(cache.rows_of(1).shape() == Shape{7, widths[1]});
    }
    for (const std::int64_t kept : {7, 3, 0}) {
      FeatureCache cache = open(folder);
      CHECK(cache.rows_done() == kept);
      if (kept > 0)
        CHECK(cache.rows_of(2).data<float>()[widths[2] * (kept - 1)] == value(2, kept - 1, 0));
      fill(cache, rows);
      check_complete(cache);
      cache.cut(kept == 7 ? 3 : 0);
    }
    FeatureCache cache = open(folder);
    CHECK(cache.rows_done() == 0);
    fill(cache, rows);
    check_complete(cache);
  }
}

TEST_CASE("other keys live beside it; another number of rows is not taken for the same") {
  Folder folder;
  {
    FeatureCache cache = open(folder);
    fill(cache, 10);
  }
  CHECK(open(folder, "key2").rows_done() == 0);
  CHECK(open(folder).rows_done() == 10);
  CHECK(FeatureCache(folder.path, "key1", rows + 1, columns).rows_done() == 0);
}

TEST_CASE("a full disk is one clear line, and what was recorded stays") {
  Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    FeatureCache cache = open(folder);
    fill(cache, 10);
    const rlimit limit{12 * 7 * 4,
                       12 * 7 * 4};  // bytes: a file may hold twelve rows of the widest column
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      fill(cache, rows);
    } catch (const Error& error) {
      const std::string what = error.what();
      const bool clear =
          what.find("column0.f32: the feature cache cannot grow") != std::string::npos &&
          what.find("10 of 23 rows are kept") != std::string::npos &&
          what.find('\n') == std::string::npos;
      cache.checkpoint();
      ::_exit(clear && cache.rows_done() == 10 ? 0 : 1);
    }
    ::_exit(2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  FeatureCache cache = open(folder);
  CHECK(cache.rows_done() == 10);
  fill(cache, rows);
  check_complete(cache);
}

TEST_CASE("wrong use is refused") {
  Folder folder;
  FeatureCache cache = open(folder);
  CHECK_THROWS_WITH_AS(
      open(folder), (folder.path + "/key1: the feature cache is in use by another process").c_str(),
      Error);
  CHECK_THROWS_AS(cache.column(0), Error);
  fill(cache, 5);
  auto other = make_batch(5, 5);
  other[1] = Tensor(DType::f32, {5, 9});
  CHECK_THROWS_AS(cache.append(other), Error);
  CHECK_THROWS_AS(cache.append({}), Error);
  CHECK_THROWS_AS(cache.append(make_batch(5, 19)), Error);
  CHECK(cache.rows_done() == 5);
  write(folder.path + "/file", "x");
  CHECK_THROWS_AS(FeatureCache(folder.path + "/file", "key", rows, columns), Error);
}

TEST_CASE("what others put there is not read, and never written through") {
  Folder folder;
  {
    FeatureCache cache = open(folder);
    fill(cache, rows);
  }
  const std::string victim = folder.path + "/victim", outside = folder.path + "/outside";
  const auto refusal = [&](const std::string& path) -> std::string {
    try {
      FeatureCache cache(path, "key1", rows, columns);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  // A progress that says that all rows are there, of files that have what it says.
  const std::string progress = read(folder.file("progress"));
  const std::vector<std::function<void(const std::string&)>> strangers{
      [&](const std::string& path) { fs::create_symlink(victim, path); },
      [&](const std::string& path) { fs::create_hard_link(victim, path); },
      [&](const std::string& path) { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); },
      [&](const std::string& path) {
        fs::copy_file(victim, path);
        fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
      },
  };
  for (const auto& put : strangers) {
    write(victim, progress);
    fs::remove(folder.file("progress"));
    put(folder.file("progress"));
    {
      FeatureCache cache = open(folder);
      CHECK(cache.rows_done() == 0);
      fill(cache, rows);
      cache.checkpoint();
      check_complete(cache);
    }
    CHECK(fs::is_regular_file(fs::symlink_status(folder.file("progress"))));
    CHECK(read(victim) == progress);
    for (const char* name : {"lock", "column1.f32"}) {
      const std::string whole = read(folder.file(name));
      write(victim, whole);
      fs::rename(folder.file(name), outside);
      put(folder.file(name));
      CHECK(refusal(folder.path).find(folder.file(name) + ": expected a file of your own") == 0);
      CHECK(read(victim) == whole);
      fs::rename(outside, folder.file(name));
    }
    CHECK(open(folder).rows_done() == rows);
  }
  fs::rename(folder.path + "/key1", outside);
  fs::create_symlink("outside", folder.path + "/key1");
  CHECK(refusal(folder.path).find("key1: expected a folder, got a link") != std::string::npos);
  fs::remove(folder.path + "/key1");
  fs::rename(outside, folder.path + "/key1");
  fs::create_symlink(folder.path, folder.path + "/link");
  CHECK(refusal(folder.path + "/link").find("link: expected a folder, got a link") !=
        std::string::npos);
  fs::permissions(folder.path + "/key1", fs::perms::group_write, fs::perm_options::add);
  CHECK(refusal(folder.path).find("nobody else may write to") != std::string::npos);
}

TEST_CASE("removal leaves what is not the cache's") {
  Folder folder;
  FeatureCache cache = open(folder);
  fill(cache, rows);
  write(folder.file("notes"), "mine");
  write(folder.file("progress.partial-0123abcd"), "");
  cache.remove();
  CHECK(std::distance(fs::directory_iterator(folder.path + "/key1"), {}) == 1);
  CHECK(read(folder.file("notes")) == "mine");
}

TEST_CASE("removal leaves nothing, and mapped columns stay readable") {
  Folder folder;
  std::optional<Tensor> column;
  {
    FeatureCache cache = open(folder);
    fill(cache, rows);
    column = cache.column(0);
    cache.remove();
  }
  CHECK(fs::is_empty(folder.path));
  CHECK(column->data<float>()[0] == value(0, 0, 0));
}
