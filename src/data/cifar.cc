#include "cifar.h"

#include <algorithm>
#include <optional>

#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr std::size_t kSide = 32, kPlane = kSide * kSide, kImage = 3 * kPlane;

std::size_t label_bytes(CifarKind kind) { return kind == CifarKind::cifar10 ? 1 : 2; }
std::size_t row_bytes(CifarKind kind) { return label_bytes(kind) + kImage; }

int byte_at(const FileBytes& file, std::size_t at) { return std::to_integer<int>(file.bytes[at]); }

bool length_fits(const FileBytes& file, CifarKind kind) {
  return !file.bytes.empty() && file.bytes.size() % row_bytes(kind) == 0;
}

// The first label byte that is out of range.
std::optional<std::size_t> wrong_label(const FileBytes& file, CifarKind kind) {
  for (std::size_t at = 0; at < file.bytes.size(); at += row_bytes(kind)) {
    if (byte_at(file, at) >= (kind == CifarKind::cifar10 ? 10 : 20)) return at;
    if (kind == CifarKind::cifar100 && byte_at(file, at + 1) >= 100) return at + 1;
  }
  return std::nullopt;
}

std::optional<CifarKind> kind_by_name(const FileBytes& file) {
  const std::string name = base_name(file.name);
  if (name.find("batch") != std::string::npos) return CifarKind::cifar10;
  if (name.rfind("train.bin", 0) == 0 || name.rfind("test.bin", 0) == 0) return CifarKind::cifar100;
  return std::nullopt;
}

[[noreturn]] void fail_label(const FileBytes& file, CifarKind kind, std::size_t at) {
  const bool fine = kind == CifarKind::cifar100 && at % row_bytes(kind) == 1;
  const char* range = kind == CifarKind::cifar10 ? "0 to 9" : fine ? "0 to 99" : "0 to 19 (coarse)";
  throw Error(file.name + ": " + (kind == CifarKind::cifar10 ? "CIFAR-10" : "CIFAR-100") +
              " label at byte " + std::to_string(at) + ": expected " + range + ", got " +
              std::to_string(byte_at(file, at)));
}

class CifarDataset : public Dataset {
 public:
  CifarDataset(const std::vector<FileBytes>& files, CifarKind kind) : files_(files), kind_(kind) {
    for (const FileBytes& file : files_) {
      rows_ += static_cast<std::int64_t>(file.bytes.size() / row_bytes(kind_));
      ends_.push_back(rows_);
    }
  }

  std::int64_t rows() const override { return rows_; }
  int label(std::int64_t row) const override {
    return std::to_integer<int>(*(start(row) + label_bytes(kind_) - 1));
  }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string name(std::int64_t row) const override {
    const std::size_t file = file_of(row);
    return base_name(files_[file].name) + "[" + std::to_string(row - first_row(file)) + "]";
  }
  Tensor image(std::int64_t row) const override {
    const std::byte* planes = start(row) + label_bytes(kind_);
    Tensor image(DType::u8, {kSide, kSide, 3});
    std::uint8_t* pixels = image.mutable_data<std::uint8_t>();
    for (std::size_t i = 0; i < kPlane; ++i) {
      for (std::size_t c = 0; c < 3; ++c)
        pixels[3 * i + c] = std::to_integer<std::uint8_t>(planes[c * kPlane + i]);
    }
    return image;
  }

 private:
  std::size_t file_of(std::int64_t row) const {
    return static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), row) -
                                    ends_.begin());
  }
  std::int64_t first_row(std::size_t file) const { return file == 0 ? 0 : ends_[file - 1]; }
  const std::byte* start(std::int64_t row) const {
    const std::size_t file = file_of(row);
    return files_[file].bytes.data() +
           static_cast<std::size_t>(row - first_row(file)) * row_bytes(kind_);
  }

  std::vector<FileBytes> files_;
  CifarKind kind_;
  std::vector<std::int64_t> ends_;  // rows up to the end of each file
  std::int64_t rows_ = 0;
  std::vector<std::string> class_names_;
};

}  // namespace

CifarKind cifar_kind(const FileBytes& file) {
  std::optional<CifarKind> found;
  for (const CifarKind kind : {CifarKind::cifar10, CifarKind::cifar100}) {
    if (!length_fits(file, kind) || wrong_label(file, kind)) continue;
    if (found && !kind_by_name(file)) {
      throw Error(
          file.name +
          ": fits CIFAR-10 and CIFAR-100 alike; name it data_batch_N.bin or train.bin to tell");
    }
    found = found ? kind_by_name(file) : kind;
  }
  if (found) return *found;
  for (const CifarKind kind : {CifarKind::cifar10, CifarKind::cifar100}) {
    if (length_fits(file, kind)) fail_label(file, kind, *wrong_label(file, kind));
  }
  throw Error(
      file.name +
      ": expected IDX, tar, or CIFAR rows of 3073 (CIFAR-10) or 3074 bytes (CIFAR-100), got " +
      std::to_string(file.bytes.size()) + " bytes");
}

std::shared_ptr<const Dataset> cifar_dataset(const std::vector<FileBytes>& files) {
  const CifarKind kind = cifar_kind(files.at(0));
  for (const FileBytes& file : files) {
    if (cifar_kind(file) != kind)
      throw Error(file.name + ": CIFAR-10 and CIFAR-100 files cannot be mixed");
    // Looking at every label has mapped every page.
    if (file.storage) file.storage->release(file.bytes.data(), file.bytes.size());
  }
  return std::make_shared<CifarDataset>(files, kind);
}

}  // namespace sidenet
