#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include "dataset_batches.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "image_files.h"
#include "sidenet/dataset.h"

using namespace sidenet;
using namespace files;

namespace {

/// Row i is a 2 x 2 picture full of i mod 256 with the label 3 i. Some rows can fail, be larger, or
/// be slow.
class Counting : public Dataset {
 public:
  explicit Counting(std::int64_t rows) : rows_(rows) {}
  std::int64_t rows() const override { return rows_; }
  int label(std::int64_t row) const override { return static_cast<int>(3 * row); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string name(std::int64_t row) const override { return "row" + std::to_string(row) + ".png"; }
  Tensor image(std::int64_t row) const override {
    ++decoded;
    {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    }
    if (delay) std::this_thread::sleep_for(std::chrono::microseconds(row * 7919 % 300));
    if (failing.count(row) > 0) throw Error(name(row) + ": broken");
    const std::int64_t side = larger.count(row) > 0 ? 3 : 2;
    Tensor image(DType::u8, {side, side, 1});
    for (std::int64_t i = 0; i < image.size(); ++i)
      image.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>(row);
    return image;
  }
  mutable std::atomic<std::int64_t> decoded{0};
  mutable std::mutex mutex;
  mutable std::set<std::thread::id> threads;
  std::set<std::int64_t> failing, larger;
  bool delay = false;

 private:
  std::int64_t rows_;
  std::vector<std::string> class_names_;
};

Preprocessing grey() {
  Preprocessing preprocessing;
  preprocessing.channels = 1;
  return preprocessing;
}

}  // namespace

TEST_CASE("every row once, in order, whatever the threads and the batch") {
  for (const int threads : {0, 1, 2, 3, 8}) {
    for (const std::int64_t batch_rows : {1, 7, 64, 1000}) {
      CAPTURE(threads);
      CAPTURE(batch_rows);
      Counting data(150);
      data.delay = threads > 1;
      std::int64_t next = 0, wrong = 0;
      for_each_batch(data, grey(), batch_rows, threads, [&](const Batch& batch) {
        wrong += batch.first != next;
        wrong +=
            batch.inputs.shape() != Shape{std::min<std::int64_t>(batch_rows, 150 - next), 1, 2, 2};
        wrong += static_cast<std::int64_t>(batch.labels.size()) != batch.inputs.dim(0);
        for (std::int64_t i = 0; i < batch.inputs.dim(0); ++i, ++next) {
          wrong += batch.labels[static_cast<std::size_t>(i)] != 3 * next;
          for (std::int64_t k = 0; k < 4; ++k) {
            wrong += batch.inputs.data<float>()[4 * i + k] != static_cast<float>(next) / 255.0f;
          }
        }
      });
      CHECK(next == 150);
      CHECK(wrong == 0);
      CHECK(data.decoded == 150);
    }
  }
}

TEST_CASE("one thread means the caller's own; more decode elsewhere, and the caller consumes") {
  Counting data(40);
  for_each_batch(data, grey(), 4, 1, [](const Batch&) {});
  CHECK(data.threads == std::set{std::this_thread::get_id()});
  data.threads.clear();
  bool elsewhere = false;
  for_each_batch(data, grey(), 4, 3, [&, caller = std::this_thread::get_id()](const Batch&) {
    elsewhere |= std::this_thread::get_id() != caller;
  });
  CHECK_FALSE(elsewhere);
  CHECK(data.threads.count(std::this_thread::get_id()) == 0);
}

TEST_CASE("decoding stays a bounded number of rows ahead") {
  for (const std::int64_t batch_rows : {1, 10}) {
    Counting data(1000);
    std::int64_t consumed = 0, most_ahead = 0;
    for_each_batch(data, grey(), batch_rows, 2, [&](const Batch& batch) {
      if (consumed == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      consumed += batch.inputs.dim(0);
      most_ahead = std::max(most_ahead, data.decoded - consumed);
    });
    CHECK(most_ahead <= std::max<std::int64_t>(12, 3 * batch_rows));
  }
}

TEST_CASE("the first failing row is the one reported, after the batches before it") {
  for (const int threads : {1, 2, 5}) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      Counting data(200);
      data.failing = {93, 95, 101, 140};
      data.delay = true;
      std::int64_t rows = 0;
      const auto message = error_of([&] {
        for_each_batch(data, grey(), 10, threads,
                       [&](const Batch& batch) { rows += batch.inputs.dim(0); });
      });
      CHECK(message == "row93.png: broken");
      CHECK(rows == 90);
      CHECK(data.decoded < 200);
    }
  }
}

TEST_CASE("an error of the consumer stops the decoders and comes out as it is") {
  for (const int threads : {1, 4}) {
    Counting data(100000);
    CHECK_THROWS_AS(for_each_batch(data, grey(), 8, threads,
                                   [](const Batch& batch) {
                                     if (batch.first >= 80) throw std::out_of_range("mine");
                                   }),
                    std::out_of_range);
    CHECK(data.decoded < 1000);
  }
}

TEST_CASE("sizes that differ in a batch are refused by name; a given size makes them alike") {
  for (const int threads : {1, 3}) {
    Counting data(30);
    data.larger = {17};
    const auto message =
        error_of([&] { for_each_batch(data, grey(), 10, threads, [](const Batch&) {}); });
    CAPTURE(message);
    CHECK(is_one_line(message));
    CHECK(message.find("row17.png: expected (1, 2, 2), the size of row10.png in the same batch, "
                       "got (1, 3, 3)") == 0);
    std::int64_t rows = 0;
    const auto count = [&](const Batch& batch) { rows += batch.inputs.dim(0); };
    for_each_batch(data, grey(), 1, threads, count);
    Preprocessing sized = grey();
    sized.resize = 2;
    for_each_batch(data, sized, 10, threads, count);
    CHECK(rows == 60);
  }
}

TEST_CASE("no rows, no batch; wrong numbers are refused") {
  int calls = 0;
  const auto count = [&](const Batch&) { ++calls; };
  for_each_batch(Counting(0), grey(), 4, 2, count);
  CHECK(calls == 0);
  CHECK(error_of([&] { for_each_batch(Counting(3), grey(), 0, 1, count); }) ==
        "data: batch: expected 1 to 16777216 rows, got 0");
  CHECK(is_one_line(error_of([&] { for_each_batch(Counting(3), grey(), 1, -1, count); })));
}
