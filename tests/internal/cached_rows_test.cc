// Cached features are of the rows as they are now: every byte of them counts, whatever names, sizes
// and dates say.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <functional>
#include <numeric>

#include "dataset_batches.h"
#include "image_files.h"
#include "random_model.h"
#include "sidenet/sidenet.h"
#include "text_checkpoint.h"
#include "unchanged_rows.h"

using namespace sidenet;
using namespace sidenet::testing;
namespace fs = std::filesystem;

namespace {

constexpr int kImages = 40;

Model mainnet(unsigned seed = 1, float mean = 0.5f) {
  ModelData data = describe(random_cifar_resnet(seed, 1, 4, 1, 4, false));
  data.preprocessing.resize = 16;
  data.preprocessing.mean = {mean};
  data.preprocessing.std = {1};
  return make_model(std::move(data));
}

files::Bytes picture(int row, char first = 'a') {
  files::Bytes lines;
  for (int y = 0; y < 16; ++y) {
    lines += '\0';
    for (int x = 0; x < 16; ++x)
      lines += static_cast<char>(x == 0 && y == 0 ? first : row * 37 + x * y * (row % 5 + 1));
  }
  return files::png(16, 16, 8, 0, lines);
}

std::string name_of(int row) {
  return std::to_string(row % 4) + "/" + std::to_string(100 + row) + ".png";
}

// Rows in the order of the data set: class by class.
std::vector<std::string> write_images(const files::Folder& folder) {
  std::vector<std::string> paths;
  for (int row = 0; row < kImages; ++row)
    paths.push_back(folder.write("images/" + name_of(row), picture(row)));
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Another file under the name: as large, with its date and even its inode.
void replace(const std::string& path) {
  const auto date = fs::last_write_time(path);
  files::Bytes bytes = files::read(path);
  const std::size_t size = bytes.size();
  for (char first = 'b'; first < 'z'; ++first) {  // of one that packs to the same size
    const int row = std::stoi(fs::path(path).stem().string()) - 100;
    bytes = picture(row, first);
    if (bytes.size() == size) break;
  }
  REQUIRE(bytes.size() == size);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(size));
  }
  fs::last_write_time(path, date);
}

struct Run {
  Model model;
  std::int64_t taken;  // rows from the cache
};

Run train(const Model& model, const std::vector<std::shared_ptr<const Dataset>>& data,
          const std::string& cache, const std::function<void(TrainOptions&)>& change = {}) {
  TrainOptions options;
  options.taps = {model.taps().front().first};
  options.hidden = 8;
  options.epochs = 2;
  options.execution.batch = 7;
  options.execution.threads = 2;
  options.cache_dir = cache;
  options.keep_cache = !cache.empty();
  if (change) change(options);
  std::int64_t first = -1;
  TrainResult result = train_sidenets(model, data, options, [&](const Progress& progress) {
    if (progress.stage == "features" && first < 0)
      first = progress.note.empty() ? 0 : progress.done;
  });
  return {std::move(result.model), first};
}

bool same(const Model& a, const Model& b) {
  const auto left = a.tensors(), right = b.tensors();
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(), [](const auto& x, const auto& y) {
           return x.first == y.first && x.second.bytes() == y.second.bytes() &&
                  std::memcmp(x.second.raw(), y.second.raw(), x.second.bytes()) == 0;
         });
}

// The same images, with other labels.
class Relabelled : public Dataset {
 public:
  explicit Relabelled(std::shared_ptr<const Dataset> data) : data_(std::move(data)) {}
  std::int64_t rows() const override { return data_->rows(); }
  int label(std::int64_t row) const override { return 3 - data_->label(row); }
  const std::vector<std::string>& class_names() const override { return data_->class_names(); }
  std::string name(std::int64_t row) const override { return data_->name(row); }
  Tensor image(std::int64_t row) const override { return data_->image(row); }
  std::uint64_t digest(std::int64_t row) const override { return data_->digest(row); }

 private:
  std::shared_ptr<const Dataset> data_;
};

}  // namespace

TEST_CASE("an image that was replaced under its name is computed anew, with all behind it") {
  for (const bool flip : {false, true}) {
    const files::Folder folder;
    const auto paths = write_images(folder);
    const std::string cache = folder.path + "/cache";
    const auto run = [&](const std::string& where) {
      return train(mainnet(), {Dataset::open(folder.path + "/images")}, where,
                   [&](TrainOptions& o) { o.flip = flip; });
    };
    const std::int64_t copies = flip ? 2 : 1;
    CHECK(run(cache).taken == 0);
    CHECK(run(cache).taken == copies * kImages);
    for (const int row : {kImages - 1, 20, 19, 1, 0}) {
      CAPTURE(row);
      replace(paths[static_cast<std::size_t>(row)]);
      const Run after = run(cache), fresh = run("");
      CHECK(after.taken == copies * row);
      CHECK(same(after.model, fresh.model));
      CHECK(run(cache).taken == copies * kImages);
    }
  }
}

TEST_CASE("a run that stopped compares what it has") {
  const files::Folder folder;
  const auto paths = write_images(folder);
  const std::string cache = folder.path + "/cache";
  const auto data = Dataset::open(folder.path + "/images");
  struct Stop {};
  TrainOptions options;
  options.taps = {mainnet().taps().front().first};
  options.execution.batch = 7;
  options.cache_dir = cache;
  const auto stop = [](const Progress& progress) {
    if (progress.done >= 21) throw Stop();
  };
  CHECK_THROWS_AS(train_sidenets(mainnet(), {data}, options, stop), Stop);
  replace(paths[10]);
  const Run after = train(mainnet(), {data}, cache), fresh = train(mainnet(), {data}, "");
  CHECK(after.taken == 10);
  CHECK(same(after.model, fresh.model));
}

TEST_CASE("labels are not cached, names are") {
  const files::Folder folder;
  write_images(folder);
  const std::string cache = folder.path + "/cache";
  const auto data = Dataset::open(folder.path + "/images");
  train(mainnet(), {data}, cache);
  const auto other = std::make_shared<Relabelled>(data);
  const Run after = train(mainnet(), {other}, cache), fresh = train(mainnet(), {other}, "");
  CHECK(after.taken == kImages);
  CHECK(same(after.model, fresh.model));
  CHECK(!same(after.model, train(mainnet(), {data}, cache).model));
  fs::rename(folder.path + "/images/1/101.png", folder.path + "/images/1/001.png");
  CHECK(train(mainnet(), {Dataset::open(folder.path + "/images")}, cache).taken == 0);
}

TEST_CASE("whatever else features depend on has a cache of its own") {
  const files::Folder folder;
  write_images(folder);
  const std::string cache = folder.path + "/cache";
  const auto data = Dataset::open(folder.path + "/images");
  std::int64_t caches = 0;
  const auto adds_one = [&](const Model& model, const std::function<void(TrainOptions&)>& change) {
    CHECK(train(model, {data}, cache, change).taken == 0);
    CHECK(train(model, {data}, cache, change).taken > 0);
    CHECK(std::distance(fs::directory_iterator(cache), {}) == ++caches);
  };
  adds_one(mainnet(), {});
  adds_one(mainnet(2), {});
  adds_one(mainnet(1, 0.25f), {});
  adds_one(mainnet(), [](TrainOptions& options) { options.pool = 1; });
  adds_one(mainnet(), [](TrainOptions& options) { options.flip = true; });
  adds_one(mainnet(),
           [](TrainOptions& options) { options.taps = {mainnet().taps().back().first}; });
}

TEST_CASE("rows of files that hold many") {
  const files::Folder folder;
  files::Bytes images("\0\0\x08\x03\0\0\0\x1e\0\0\0\x10\0\0\0\x10", 16),
      labels("\0\0\x08\x01\0\0\0\x1e", 8);
  for (int row = 0; row < 30; ++row) {
    for (int i = 0; i < 256; ++i) images += static_cast<char>(row * 31 + i * (row % 3));
    labels += static_cast<char>(row % 4);
  }
  const std::string cache = folder.path + "/cache";
  const auto open = [&] {
    return Dataset::open(folder.write("images", images) + "," + folder.write("labels", labels));
  };
  CHECK(train(mainnet(), {open()}, cache).taken == 0);
  images[16 + 12 * 256 + 255] ^= 1;  // the last pixel of row 12
  const Run after = train(mainnet(), {open()}, cache), fresh = train(mainnet(), {open()}, "");
  CHECK(after.taken == 12);
  CHECK(same(after.model, fresh.model));
}

TEST_CASE("texts") {
  const BertSize size = small_bert();
  const TextCheckpoint checkpoint(random_bert(4, size), config_of(size));
  checkpoint.folder.write("vocab.txt", lines(small_vocabulary()));
  const Model model = checkpoint.import();
  const std::string cache = checkpoint.folder.path + "/cache";
  const auto open = [&](const std::string& word, bool swapped = false) {
    std::string rows = "text\tlabel\n";
    for (int row = 0; row < 30; ++row) {
      const std::string label =
          model.labels()[static_cast<std::size_t>(row % 2 == (swapped ? 1 : 0))];
      rows += "the film is " +
              std::string(row == 17      ? word
                          : row % 3 == 0 ? "good"
                                         : "bad") +
              "\t" + label + "\n";
    }
    return Dataset::open(checkpoint.folder.write("rows.tsv", rows));
  };
  CHECK(train(model, {open("slow")}, cache).taken == 0);
  const Run after = train(model, {open("dull")}, cache), fresh = train(model, {open("dull")}, "");
  CHECK(after.taken == 0);
  CHECK(same(after.model, fresh.model));
  CHECK(train(model, {open("slow")}, cache).taken == 30);
  CHECK(train(model, {open("slow", true)}, cache).taken == 30);
}

TEST_CASE("the first row that has changed, on any number of threads") {
  class Numbers : public Dataset {
   public:
    std::int64_t rows() const override { return 1000; }
    int label(std::int64_t) const override { return 0; }
    const std::vector<std::string>& class_names() const override { return none_; }
    std::string name(std::int64_t row) const override { return "row " + std::to_string(row); }
    std::uint64_t digest(std::int64_t row) const override {
      ++read;
      if (row == broken) throw Error(name(row) + ": broken");
      return static_cast<std::uint64_t>(row);
    }
    mutable std::atomic<std::int64_t> read{0};
    std::int64_t broken = -1;

   private:
    std::vector<std::string> none_;
  };
  std::vector<std::uint64_t> digests(1000);
  std::iota(digests.begin(), digests.end(), std::uint64_t{0});
  for (const int threads : {1, 2, 5}) {
    Numbers data;
    CHECK(unchanged_rows(data, digests, threads) == 1000);
    CHECK(data.read == 1000);
    CHECK(unchanged_rows(data, {}, threads) == 0);
    for (const std::size_t row : {0, 1, 31, 32, 500, 999}) {
      std::vector<std::uint64_t> others = digests;
      others[row] += 5;
      others[999] += 5;
      CHECK(unchanged_rows(data, others, threads) == static_cast<std::int64_t>(row));
      data.broken = static_cast<std::int64_t>(row) + 1;  // behind it: nobody needs that row
      CHECK(unchanged_rows(data, others, threads) == static_cast<std::int64_t>(row));
      data.broken = 7;
      if (row > 7)
        CHECK_THROWS_WITH_AS(unchanged_rows(data, others, threads), "row 7: broken", Error);
      data.broken = -1;
    }
    CHECK(unchanged_rows(data, std::vector<std::uint64_t>(2000, 0), threads) == 1);
  }
}

TEST_CASE("a batch has the digests of the bytes that it was made from") {
  const files::Folder folder;
  write_images(folder);
  const auto data = Dataset::open(folder.path + "/images", {.skip = 3, .limit = 20});
  for (const int threads : {1, 3}) {
    std::int64_t row = 0;
    for_each_batch(*data, mainnet().preprocessing(), 6, threads, [&](const Batch& batch) {
      CHECK(static_cast<std::int64_t>(batch.digests.size()) == batch.inputs.dim(0));
      for (const std::uint64_t digest : batch.digests) CHECK(digest == data->digest(row++));
    });
    CHECK(row == 20);
  }
  CHECK(data->digested_image(2).second == data->digest(2));
}
