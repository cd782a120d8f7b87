// What a folder of kept weights holds: how much, for how long, and that nothing else in it is
// touched.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "digest.h"
#include "sidenet/error.h"
#include "temporary_folder.h"
#include "weight_cache.h"
#include "weight_cache_file.h"

using namespace sidenet;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kFloats = 8192;
const auto kSize = static_cast<std::int64_t>(cached_bytes(kFloats));

using sidenet::testing::put;
using sidenet::testing::TemporaryFolder;

struct Folder : TemporaryFolder {
  Folder() {
    ::umask(0022);  // what others may write to is not ours
  }
  std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(path))
      names.insert(entry.path().filename().string());
    names.erase("secret");
    return names;
  }
};

std::string name_of(int piece) { return Digest().add(static_cast<std::uint64_t>(piece)).hex(); }
std::string file_of(int piece) { return cached_file_name(name_of(piece)); }

WeightCache::Piece piece_of(int piece, std::size_t floats = kFloats) {
  std::shared_ptr<float> data(new float[floats], std::default_delete<float[]>());
  std::fill_n(data.get(), floats, static_cast<float>(piece));
  return {name_of(piece), data, floats};
}

std::set<std::string> files(std::initializer_list<int> pieces) {
  std::set<std::string> names;
  for (const int piece : pieces) names.insert(file_of(piece));
  return names;
}

void age(const std::string& path, std::chrono::seconds by) {
  fs::last_write_time(path, fs::file_time_type::clock::now() - by);
}

// As an earlier process left it.
void leave(const Folder& folder, std::initializer_list<int> pieces) {
  WeightCache weights(folder.path, 1 << 30);
  for (const int piece : pieces) weights.save({piece_of(piece)});
}

}  // namespace

TEST_CASE("a piece is found by its name and its number of floats") {
  const Folder folder;
  leave(folder, {1, 2});
  WeightCache weights(folder.path, 1 << 30);
  const auto found = weights.find(name_of(2), kFloats);
  REQUIRE(found);
  CHECK(std::count(found.get(), found.get() + kFloats, 2.0f) == kFloats);
  CHECK(reinterpret_cast<std::uintptr_t>(found.get()) % 64 == 0);
  CHECK(!weights.find(name_of(2), kFloats - 1));
  CHECK(!weights.find(name_of(2), kFloats + 1));
  CHECK(!weights.find(name_of(3), kFloats));
  fs::rename(folder.at(file_of(1)), folder.at(file_of(3)));  // what a name says is in the file too
  CHECK(!weights.find(name_of(3), kFloats));
}

TEST_CASE("the least recently used go first, and never beyond the limit") {
  const Folder folder;
  leave(folder, {1, 2, 3, 4});
  for (int piece = 1; piece <= 4; ++piece) age(folder.at(file_of(piece)), (5 - piece) * 24h);
  {
    WeightCache weights(folder.path, 4 * kSize);
    CHECK(weights.find(name_of(1), kFloats));  // used now
    weights.save({piece_of(5)});
    CHECK(folder.names() == files({1, 3, 4, 5}));
    weights.save({piece_of(6), piece_of(7)});
    CHECK(folder.names() == files({1, 5, 6, 7}));
    // All of it is in use here.
    weights.save({piece_of(8)});
    CHECK(folder.names() == files({1, 5, 6, 7}));
  }
  WeightCache smaller(folder.path, 2 * kSize + 100);
  CHECK(folder.names().size() == 2);
  CHECK_THROWS_AS(WeightCache(folder.path, -1), Error);
  WeightCache none(folder.path, 0);
  none.save({piece_of(9)});
  CHECK(folder.names().empty());
}

TEST_CASE("what does not fit is not kept, and takes nothing's place") {
  const Folder folder;
  leave(folder, {1, 2});
  for (int again = 0; again < 3; ++again) {
    WeightCache weights(folder.path, 3 * kSize);
    CHECK(weights.find(name_of(1), kFloats));
    CHECK(weights.find(name_of(2), kFloats));
    weights.save({piece_of(3, 2 * kFloats), piece_of(4, 2 * kFloats)});
    CHECK(folder.names() == files({1, 2}));
  }
}

TEST_CASE("what never fits removes nothing") {
  const Folder folder;
  leave(folder, {1, 2, 3});
  WeightCache weights(folder.path, 4 * kSize);
  weights.save({piece_of(4, 5 * kFloats)});
  CHECK(folder.names() == files({1, 2, 3}));
  CHECK(weights.find(name_of(1), kFloats));
  weights.save({piece_of(5, 4 * kFloats), piece_of(6)});
  CHECK(folder.names() == files({1, 2, 3, 6}));
}

TEST_CASE("use is noted, to the hour") {
  const Folder folder;
  leave(folder, {1, 2, 3});
  age(folder.at(file_of(1)), 30min);
  age(folder.at(file_of(2)), 20h);
  age(folder.at(file_of(3)), -20h);  // a clock that was wrong
  const auto first = fs::last_write_time(folder.at(file_of(1)));
  WeightCache weights(folder.path, 1 << 30);
  for (int piece = 1; piece <= 3; ++piece) CHECK(weights.find(name_of(piece), kFloats));
  CHECK(fs::last_write_time(folder.at(file_of(1))) == first);
  for (int piece = 2; piece <= 3; ++piece) {
    const auto since =
        fs::file_time_type::clock::now() - fs::last_write_time(folder.at(file_of(piece)));
    CHECK(std::chrono::abs(since) < 1h);
  }
}

TEST_CASE("what nobody has used for a month goes, and what was left half written") {
  const Folder folder;
  leave(folder, {1, 2, 3});
  age(folder.at(file_of(1)), 31 * 24h);
  age(folder.at(file_of(2)), 29 * 24h);
  const std::string older = name_of(4) + "-0.weights", partial = file_of(5) + ".partial-0123abcd";
  put(folder.at(older), "SNKEPT01" + std::string(100, '\0'));
  put(folder.at(partial), "SNKEPT02");
  put(folder.at(file_of(6) + ".partial-0123abce"), "");
  WeightCache weights(folder.path, 1 << 30);
  CHECK(folder.names().size() == 5);
  age(folder.at(older), 31 * 24h);
  age(folder.at(partial), 2h);
  age(folder.at(file_of(6) + ".partial-0123abce"), 2h);
  WeightCache again(folder.path, 1 << 30);
  CHECK(folder.names() == files({2, 3}));
}

TEST_CASE("other files stay, whatever they are called") {
  const Folder folder;
  leave(folder, {1});
  std::set<std::string> strangers;
  const auto add = [&](const std::string& name, const std::string& bytes) {
    put(folder.at(name), bytes);
    age(folder.at(name), 400 * 24h);
    strangers.insert(name);
  };
  const std::string ours = "SNKEPT02" + std::string(200, '\0');
  add("notes.txt", ours);
  add("model.weights", ours);
  add(name_of(2), ours);
  add(name_of(2) + ".weights.bak", ours);
  add(name_of(2) + "0.weights", ours);
  add(name_of(2).substr(1) + ".weights", ours);
  add("." + file_of(2), ours);
  add(file_of(2) + ".partial-0123abc", ours);
  add(file_of(2) + ".partial-0123abcde", ours);
  add(file_of(3), "somebody's own");  // called as ours are
  add(file_of(4) + ".partial-0123abcd", "somebody's own");
  const std::string outside = folder.path + "-outside";
  put(outside, ours);
  age(outside, 400 * 24h);
  fs::create_symlink(outside, folder.at(file_of(5)));
  fs::create_hard_link(outside, folder.at(file_of(6)));
  fs::create_directory(folder.at(file_of(7)));
  for (int piece = 5; piece <= 7; ++piece) strangers.insert(file_of(piece));
  for (const std::int64_t limit : {std::int64_t{1} << 30, std::int64_t{0}}) {
    WeightCache weights(folder.path, limit);
    weights.save({piece_of(8)});
    const auto names = folder.names();
    CHECK(std::includes(names.begin(), names.end(), strangers.begin(), strangers.end()));
    CHECK(names.contains(file_of(8)) == (limit > 0));
  }
  CHECK(fs::file_size(outside) == ours.size());
  fs::remove(outside);
}

TEST_CASE("the number of files is bounded too") {
  const Folder folder;
  for (int piece = 0; piece < 4200; ++piece) put(folder.at(file_of(piece)), "SNKEPT02");
  age(folder.at(file_of(4199)), 24h);
  WeightCache weights(folder.path, 1 << 30);
  CHECK(folder.names().size() == 4096);
  CHECK(!folder.names().contains(file_of(4199)));
  weights.save({piece_of(5000)});
  CHECK(folder.names().size() == 4096);
  CHECK(weights.find(name_of(5000), kFloats));
}

TEST_CASE("several processes and threads share a folder") {
  const Folder folder;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      WeightCache weights(folder.path, 6 * kSize);  // as a process of its own has it
      for (int i = 0; i < 60; ++i) {
        const int piece = (i * (thread + 1)) % 9;
        const auto found = weights.find(name_of(piece), kFloats);
        if (found &&
            std::count(found.get(), found.get() + kFloats, static_cast<float>(piece)) != kFloats)
          ++wrong[static_cast<std::size_t>(thread)];
        if (!found) weights.save({piece_of(piece)});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
  WeightCache after(folder.path, 6 * kSize);
  CHECK(folder.names().size() <= 6);
}

TEST_CASE("a piece that another process has removed is kept anew") {
  const Folder folder;
  WeightCache weights(folder.path, 1 << 30);
  weights.save({piece_of(1), piece_of(1)});
  fs::remove(folder.at(file_of(1)));
  CHECK(!weights.find(name_of(1), kFloats));
  weights.save({piece_of(1)});
  CHECK(weights.find(name_of(1), kFloats));
}
