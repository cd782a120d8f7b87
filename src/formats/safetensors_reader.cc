#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "byte_reader.h"
#include "checked.h"
#include "mapped_file.h"
#include "safetensors.h"
#include "safetensors_header.h"
#include "safetensors_types.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

constexpr std::size_t kSizeBytes = 8;

struct Placed {
  std::uint64_t begin = 0, end = 0;
  const std::string* name = nullptr;
};

Shape shape_of(const SafetensorsEntry& entry) {
  Shape shape;
  shape.reserve(entry.shape.size());
  for (const std::uint64_t extent : entry.shape) {
    if (extent > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      throw Error("shape: expected extents below 2^63, got " + std::to_string(extent));
    }
    shape.push_back(static_cast<std::int64_t>(extent));
  }
  return shape;
}

// Throws Error where type, shape and place do not fit each other and the data.
void check_entry(const SafetensorsEntry& entry, std::uint64_t data_bytes) {
  const DType dtype = safetensors_dtype(entry.dtype);
  const Shape shape = shape_of(entry);
  const std::uint64_t expected =
      checked_mul(static_cast<std::uint64_t>(element_count(shape)), dtype_size(dtype), "tensor");
  const auto [begin, end] = entry.data_offsets;
  if (begin > end || end > data_bytes) {
    throw Error("data_offsets: expected [begin, end] within " + std::to_string(data_bytes) +
                " bytes, got [" + std::to_string(begin) + ", " + std::to_string(end) + "]");
  }
  if (end - begin != expected) {
    throw Error(entry.dtype + " " + to_string(shape) + " takes " + std::to_string(expected) +
                " bytes, but data_offsets give " + std::to_string(end - begin));
  }
}

// Of an entry that was checked.
Tensor tensor_of(const SafetensorsEntry& entry, std::span<const std::byte> data,
                 const std::shared_ptr<const Storage>& owner) {
  const DType dtype = safetensors_dtype(entry.dtype);
  const std::byte* first = data.data() + entry.data_offsets[0];
  const Tensor view(dtype, shape_of(entry), first, owner);
  return reinterpret_cast<std::uintptr_t>(first) % dtype_size(dtype) == 0 ? view : view.clone();
}

// The tensors must cover the data from its first byte to its last, in some order, each byte once.
void check_coverage(std::vector<Placed> placed, std::uint64_t data_bytes, const std::string& name) {
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t covered = 0;
  for (const Placed& tensor : placed) {
    if (tensor.begin != covered) {
      throw Error(
          name + ": tensor " + quote(*tensor.name) +
          (tensor.begin < covered ? " overlaps the one before it" : " leaves a hole before it") +
          ": expected offset " + std::to_string(covered) + ", got " + std::to_string(tensor.begin));
    }
    covered = tensor.end;
  }
  if (covered != data_bytes) {
    throw Error(name + ": expected " + std::to_string(covered) + " bytes of tensors, got " +
                std::to_string(data_bytes));
  }
}

}  // namespace

bool is_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > kSizeBytes && bytes[kSizeBytes] == std::byte{'{'};
}

Safetensors read_safetensors(std::span<const std::byte> bytes,
                             std::shared_ptr<const Storage> keep_alive, const std::string& name) {
  ByteReader reader(bytes, name);
  const auto header_bytes = reader.little_endian<std::uint64_t>();
  if (header_bytes > kMaxSafetensorsHeader) {
    throw Error(name + ": header size: expected at most 100000000 bytes, got " +
                std::to_string(header_bytes));
  }
  const std::string_view json = reader.take_text(header_bytes);
  if (!json.starts_with('{')) throw Error(name + ": byte 8: expected a header that begins with {");
  SafetensorsHeader header = parse_safetensors_header(json, name);
  // What of it is needed has been copied, so that its pages need not be held as well.
  if (keep_alive) keep_alive->release(bytes.data(), reader.offset());

  const auto data = bytes.subspan(reader.offset());
  std::vector<Placed> placed;
  placed.reserve(header.entries.size());
  for (const auto& [tensor, entry] : header.entries) {
    try {
      check_entry(entry, data.size());
    } catch (const Error& error) {
      throw Error(name + ": tensor " + quote(tensor) + ": " + error.what());
    }
    placed.push_back({entry.data_offsets[0], entry.data_offsets[1], &tensor});
  }
  // Before anything is copied: tensors that overlap could ask for any multiple of the file.
  check_coverage(std::move(placed), data.size(), name);

  Safetensors result;
  result.metadata = std::move(header.metadata);
  while (!header.entries.empty()) {
    auto entry = header.entries.extract(header.entries.begin());
    Tensor tensor = tensor_of(entry.mapped(), data, keep_alive);
    result.tensors.emplace_hint(result.tensors.end(), std::move(entry.key()), std::move(tensor));
  }
  return result;
}

Safetensors read_safetensors(const std::string& path) {
  const auto file = MappedFile::open(path);
  return read_safetensors(file->bytes(), file, path);
}

}  // namespace sidenet
