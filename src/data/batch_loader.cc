#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "checked.h"
#include "dataset_batches.h"
#include "sidenet/error.h"
#include "threads.h"

namespace sidenet {
namespace {

// Rows (C, H, W) that belong to one batch, into (rows, C, H, W).
Tensor join_rows(const std::vector<Tensor>& rows, const Dataset& data, std::int64_t first) {
  Shape shape = rows.front().shape();
  const auto check = [&](std::size_t i) {
    if (rows[i].shape() == shape) return;
    throw Error(data.name(first + static_cast<std::int64_t>(i)) + ": expected " + to_string(shape) +
                ", the size of " + data.name(first) + " in the same batch, got " +
                to_string(rows[i].shape()) + "; give a size or batches of 1");
  };
  for (std::size_t i = 1; i < rows.size(); ++i) check(i);
  shape.insert(shape.begin(), static_cast<std::int64_t>(rows.size()));
  if (rows.size() == 1) return rows.front().reshape(shape);
  Tensor joined(DType::f32, shape);
  float* to = joined.mutable_data<float>();
  for (const Tensor& row : rows) {
    std::memcpy(to, row.data<float>(), row.bytes());
    to += row.size();
  }
  return joined;
}

// The row's picture as the network takes it.
Tensor preprocessed(const Tensor& image, const Dataset& data, const Preprocessing& preprocessing,
                    std::int64_t row) {
  if (!preprocessing.exif_orientation) return preprocess_image(image, preprocessing);
  return preprocess_image(oriented_image(image, data.picture_facts(row).orientation),
                          preprocessing);
}

using Digests = std::vector<std::uint64_t>;

// Row `row`, preprocessed; its digest.
Tensor load_row(const Dataset& data, const Preprocessing& preprocessing, std::int64_t row,
                std::uint64_t& digest) {
  auto [image, digest_of_image] = data.digested_image(row);
  digest = digest_of_image;
  return preprocessed(image, data, preprocessing, row);
}

Batch make_batch(const std::vector<Tensor>& rows, Digests digests, const Dataset& data,
                 std::int64_t first) {
  Batch batch;
  batch.first = first;
  batch.inputs = join_rows(rows, data, first);
  batch.digests = std::move(digests);
  for (std::size_t i = 0; i < rows.size(); ++i)
    batch.labels.push_back(data.label(first + static_cast<std::int64_t>(i)));
  return batch;
}

// Worker threads take chunks of rows in order, never more than `ahead_` batches before the
// consumer. After an error no chunk is taken; those before it are still finished, so that the first
// failing row is the one reported, always.
class BatchLoader {
 public:
  BatchLoader(const Dataset& data, const Preprocessing& preprocessing, std::int64_t batch_rows,
              int threads)
      : data_(data),
        preprocessing_(preprocessing),
        rows_(data.rows()),
        batch_rows_(batch_rows),
        chunk_rows_(std::clamp<std::int64_t>(batch_rows / (2 * threads), 1, 16)),
        ahead_(2 + 4 * threads / batch_rows),
        slots_(static_cast<std::size_t>(ahead_)) {
    try {
      for (int i = 0; i < threads; ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      stop();
      throw Error(std::string("data: a decoder thread cannot be started: ") + error.what());
    }
  }
  ~BatchLoader() { stop(); }
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // Batch `index`; called with 0, 1, 2 … by one thread.
  Batch take(std::int64_t index) {
    std::unique_lock lock(mutex_);
    Slot& slot = slot_of(index);
    ready_.wait(lock, [&] { return slot.batch.has_value() || (error_ && active_ == 0); });
    if (!slot.batch) std::rethrow_exception(error_);
    Batch batch = std::move(*slot.batch);
    slot.batch.reset();
    taken_ = index + 1;
    room_.notify_all();
    return batch;
  }

 private:
  struct Slot {
    std::vector<Tensor> rows;
    Digests digests;
    std::int64_t missing = 0;
    std::optional<Batch> batch;
  };

  Slot& slot_of(std::int64_t batch) { return slots_[static_cast<std::size_t>(batch % ahead_)]; }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    room_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  void fail(std::int64_t row, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (row >= error_row_) return;
    error_row_ = row;
    error_ = std::move(error);
    room_.notify_all();
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      room_.wait(lock, [&] {
        return stopped_ || error_ || next_row_ == rows_ ||
               next_row_ / batch_rows_ < taken_ + ahead_;
      });
      if (stopped_ || error_ || next_row_ == rows_) return;
      const std::int64_t begin = next_row_, first = begin / batch_rows_ * batch_rows_;
      const std::int64_t batch_end = std::min(rows_, first + batch_rows_);
      Slot& slot = slot_of(first / batch_rows_);
      if (begin == first) {
        slot.missing = batch_end - first;
        slot.rows.assign(static_cast<std::size_t>(slot.missing), Tensor());
        slot.digests.assign(static_cast<std::size_t>(slot.missing), 0);
      }
      next_row_ = std::min(batch_end, begin + chunk_rows_);
      const std::int64_t end = next_row_;
      ++active_;
      lock.unlock();
      decode(slot, first, begin, end);
      lock.lock();
      --active_;
      ready_.notify_one();
    }
  }

  // Rows begin … end of the batch that starts at `first`; whoever brings the last rows makes the
  // batch.
  void decode(Slot& slot, std::int64_t first, std::int64_t begin, std::int64_t end) {
    std::int64_t row = begin;
    try {
      for (; row < end; ++row) {
        const auto place = static_cast<std::size_t>(row - first);
        slot.rows[place] = load_row(data_, preprocessing_, row, slot.digests[place]);
      }
      {
        const std::lock_guard lock(mutex_);
        slot.missing -= end - begin;
        if (slot.missing > 0) return;
      }
      row = first;
      Batch batch = make_batch(slot.rows, std::move(slot.digests), data_, first);
      slot.rows.clear();
      const std::lock_guard lock(mutex_);
      slot.batch = std::move(batch);
    } catch (...) {
      fail(row, std::current_exception());
    }
  }

  const Dataset& data_;
  const Preprocessing& preprocessing_;
  const std::int64_t rows_, batch_rows_, chunk_rows_, ahead_;

  std::mutex mutex_;
  std::condition_variable room_, ready_;  // for the workers; for the consumer
  std::vector<Slot> slots_;               // batch b lives in slot b % ahead_
  std::int64_t next_row_ = 0, taken_ = 0;
  std::int64_t error_row_ = std::numeric_limits<std::int64_t>::max();
  std::exception_ptr error_;
  int active_ = 0;  // workers with a chunk
  bool stopped_ = false;
  std::vector<std::thread> workers_;
};

Batch load_batch(const Dataset& data, const Preprocessing& preprocessing, std::int64_t first,
                 std::int64_t count) {
  std::vector<Tensor> rows;
  Digests digests(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i)
    rows.push_back(load_row(data, preprocessing, first + i, digests[static_cast<std::size_t>(i)]));
  return make_batch(rows, std::move(digests), data, first);
}

}  // namespace

Tensor load_images(const Dataset& data, const Preprocessing& preprocessing, std::int64_t first,
                   std::int64_t count, int threads) {
  const auto load = [&](std::int64_t row) {
    return preprocessed(data.image(row), data, preprocessing, row);
  };
  const Tensor front = load(first);
  Shape shape = front.shape();
  shape.insert(shape.begin(), count);
  Tensor batch(DType::f32, shape);
  float* to = batch.mutable_data<float>();
  std::exception_ptr failure;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (std::int64_t i = 0; i < count; ++i) {
    try {
      const Tensor row = i == 0 ? front : load(first + i);
      if (row.shape() != front.shape()) {
        throw Error(data.name(first + i) + ": expected shape " + to_string(front.shape()) +
                    " as the rows before it, got " + to_string(row.shape()));
      }
      std::copy_n(row.data<float>(), row.size(), to + i * row.size());
    } catch (...) {  // an exception must not leave the parallel loop
#pragma omp critical
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  return batch;
}

void for_each_batch(const Dataset& data, const Preprocessing& preprocessing,
                    std::int64_t batch_rows, int threads,
                    const std::function<void(const Batch&)>& consume) {
  check_batch(batch_rows, "data");
  const std::int64_t rows = data.rows();
  batch_rows = std::min(batch_rows, std::max<std::int64_t>(rows, 1));
  const auto workers = static_cast<int>(std::min<std::int64_t>(resolve_threads(threads), rows));
  if (workers <= 1) {
    for (std::int64_t first = 0; first < rows; first += batch_rows) {
      consume(load_batch(data, preprocessing, first, std::min(batch_rows, rows - first)));
    }
    return;
  }
  BatchLoader loader(data, preprocessing, batch_rows, workers);
  for (std::int64_t batch = 0; batch * batch_rows < rows; ++batch) consume(loader.take(batch));
}

}  // namespace sidenet
