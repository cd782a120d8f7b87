#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "random_model.h"
#include "sidenet/sidenet.h"

namespace sidenet::testing {

/// Grey images of noise with one bright quarter, which is the class: 0 and 1 above, 0 and 2 to the
/// left.
class Quarters : public Dataset {
 public:
  Quarters(std::int64_t rows, unsigned seed, std::vector<std::string> names = {})
      : rows_(rows), seed_(seed), names_(std::move(names)) {}
  std::int64_t rows() const override { return rows_; }
  int label(std::int64_t row) const override {
    return row == bad_row ? 4 : static_cast<int>((row * 7 + row / 4) % 4);
  }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::string name(std::int64_t row) const override {
    return "quarters" + std::to_string(seed_) + "[" + std::to_string(row) + "]";
  }
  Tensor image(std::int64_t row) const override {
    ++read;
    RandomWeights random(seed_ * 100000 + static_cast<unsigned>(row));
    Tensor image(DType::u8, {16, 16, 1});
    const int bright = static_cast<int>((row * 7 + row / 4) % 4);
    for (int i = 0; i < 256; ++i) {
      const int quarter = i / 128 * 2 + i % 16 / 8;
      image.mutable_data<std::uint8_t>()[i] =
          static_cast<std::uint8_t>(random.integer(120) + (quarter == bright ? 60 : 0));
    }
    return image;
  }
  std::int64_t bad_row = -1;
  mutable std::atomic<int> read{0};

 private:
  std::int64_t rows_;
  unsigned seed_;
  std::vector<std::string> names_;
};

}  // namespace sidenet::testing
