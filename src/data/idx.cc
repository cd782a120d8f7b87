#include "idx.h"

#include <algorithm>

#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr std::uint32_t kUnsignedByte = 0x08;

std::uint32_t byte_at(std::span<const std::byte> bytes, std::size_t at) {
  return std::to_integer<std::uint32_t>(bytes[at]);
}

class IdxDataset : public Dataset {
 public:
  explicit IdxDataset(const FileBytes& images) : file_(images), images_(parse_idx(images)) {
    Shape& shape = images_.shape;
    if (shape.size() == 3) shape.push_back(1);
    if (shape.size() != 4 || (shape[3] != 1 && shape[3] != 3)) {
      throw Error(images.name + ": expected images (N, H, W) or (N, H, W, 1 or 3), got " +
                  to_string(images_.shape));
    }
    if (images_.elements.empty())
      throw Error(images.name + ": expected images, got no images: " + to_string(shape));
  }
  IdxDataset(const FileBytes& images, const FileBytes& labels) : IdxDataset(images) {
    const IdxArray parsed = parse_idx(labels);
    const Shape& shape = images_.shape;
    if (parsed.shape.size() != 1)
      throw Error(labels.name + ": expected labels (N), got " + to_string(parsed.shape));
    if (parsed.shape[0] != shape[0]) {
      throw Error(labels.name + ": expected " + std::to_string(shape[0]) + " labels, as many as " +
                  images.name + " has images, got " + std::to_string(parsed.shape[0]));
    }
    labels_.assign(parsed.elements.begin(), parsed.elements.end());
  }

  std::int64_t rows() const override { return images_.shape[0]; }
  int label(std::int64_t row) const override {
    return labels_.empty() ? 0 : std::to_integer<int>(labels_.at(static_cast<std::size_t>(row)));
  }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string name(std::int64_t row) const override {
    return base_name(file_.name) + "[" + std::to_string(row) + "]";
  }
  Tensor image(std::int64_t row) const override {
    const Shape shape(images_.shape.begin() + 1, images_.shape.end());
    const auto size = static_cast<std::size_t>(element_count(shape));
    return Tensor(DType::u8, shape, images_.elements.data() + static_cast<std::size_t>(row) * size,
                  file_.storage);
  }

 private:
  FileBytes file_;
  IdxArray images_;
  std::vector<std::byte> labels_;
  std::vector<std::string> class_names_;
};

}  // namespace

bool is_idx(std::span<const std::byte> bytes) {
  if (bytes.size() < 4 || byte_at(bytes, 0) != 0 || byte_at(bytes, 1) != 0) return false;
  const std::uint32_t type = byte_at(bytes, 2), rank = byte_at(bytes, 3);
  return type >= 0x08 && type <= 0x0e && type != 0x0a && rank >= 1 && rank <= 4;
}

IdxArray parse_idx(const FileBytes& file) {
  const auto bytes = file.bytes;
  if (!is_idx(bytes))
    throw Error(file.name + ": expected an IDX file (0, 0, type, rank), got a file of " +
                std::to_string(file.bytes.size()) + " bytes that begins otherwise");
  const std::uint32_t type = byte_at(bytes, 2);
  if (type != kUnsignedByte) {
    throw Error(file.name + ": IDX: byte 2: expected element type 8 (unsigned byte), got " +
                std::to_string(type));
  }
  const std::size_t rank = byte_at(bytes, 3), header = 4 + 4 * rank;
  if (bytes.size() < header) {
    throw Error(file.name + ": IDX: expected a header of " + std::to_string(header) +
                " bytes, got a file of " + std::to_string(bytes.size()));
  }
  IdxArray array;
  std::uint64_t expected = 1;
  for (std::size_t at = 4; at < header; at += 4) {
    const std::uint32_t extent = byte_at(bytes, at) << 24 | byte_at(bytes, at + 1) << 16 |
                                 byte_at(bytes, at + 2) << 8 | byte_at(bytes, at + 3);
    array.shape.push_back(extent);
    if (__builtin_mul_overflow(expected, std::uint64_t{extent}, &expected)) {
      throw Error(file.name + ": IDX: byte " + std::to_string(at) + ": the extents " +
                  to_string(array.shape) + " overflow 64 bits");
    }
  }
  if (expected != bytes.size() - header) {
    throw Error(file.name + ": IDX: byte " + std::to_string(header) + ": expected " +
                std::to_string(expected) + " bytes for " + to_string(array.shape) + ", got " +
                std::to_string(bytes.size() - header));
  }
  array.elements = bytes.subspan(header);
  return array;
}

std::shared_ptr<const Dataset> idx_dataset(const FileBytes& images, const FileBytes& labels) {
  return std::make_shared<IdxDataset>(images, labels);
}

std::shared_ptr<const Dataset> idx_images(const FileBytes& images) {
  return std::make_shared<IdxDataset>(images);
}

}  // namespace sidenet
