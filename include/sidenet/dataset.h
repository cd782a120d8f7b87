#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sidenet/model.h"
#include "sidenet/tensor.h"

namespace sidenet {

struct DatasetOptions {
  std::int64_t skip = 0;    ///< leave out the first rows
  std::int64_t limit = -1;  ///< at most this many rows; -1: all
};

/// Labelled images, in a fixed order, read when asked for. What a path holds is found out from the path and the bytes:
/// a folder of class folders (PNG, JPEG, BMP), an IDX pair "images,labels" (also .gz), CIFAR-10/100 binary files (one,
/// several with commas, a folder of them, or a tar or tar.gz).
class Dataset {
 public:
  /// Throws Error: nothing there, an empty folder, labels that disagree, a truncated file.
  static std::shared_ptr<const Dataset> open(const std::string& spec, const DatasetOptions& options = {});
  virtual ~Dataset() = default;

  virtual std::int64_t rows() const = 0;
  virtual int label(std::int64_t row) const = 0;
  /// Class names where the data has them (class folders); else empty.
  virtual const std::vector<std::string>& class_names() const = 0;
  /// "cat/0001.png", "test_batch.bin[17]": for messages.
  virtual std::string name(std::int64_t row) const = 0;
  /// The row as bytes (H, W, C), C 1 or 3. Safe to call from many threads. Throws Error where it does not decode.
  virtual Tensor image(std::int64_t row) const = 0;
};

/// One image file (PNG, JPEG, BMP) as bytes (H, W, C) with `channels` 1 or 3. Throws Error with the file's name.
Tensor read_image(const std::string& path, int channels);
/// (H, W, C) bytes to (C, H, W) float32, as `preprocessing` says; grey is repeated, or colour turned grey (ITU-R 601),
/// where the channels differ.
Tensor preprocess_image(const Tensor& image, const Preprocessing& preprocessing);

/// A batch ready for a Session.
struct Batch {
  std::int64_t first = 0;   ///< index of its first row
  Tensor inputs;            ///< (rows, C, H, W)
  std::vector<int> labels;  ///< one a row
};

/// Decodes and preprocesses ahead of the consumer on `threads` threads, through a bounded queue, in order.
/// `consume` runs on the caller's thread. Errors of either side stop the others and are thrown here.
void for_each_batch(const Dataset& data, const Preprocessing& preprocessing, std::int64_t batch_rows, int threads,
                    const std::function<void(const Batch&)>& consume);

}  // namespace sidenet
