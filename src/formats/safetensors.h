#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "sidenet/tensor.h"

namespace sidenet {

/// What a safetensors file holds. The format: eight bytes with the size of the header,
/// little-endian; the header, a JSON object {"name": {"dtype", "shape", "data_offsets": [begin,
/// end]}, …, "__metadata__": {"key": "text"}}; the tensors.
struct Safetensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Whether the bytes begin like a safetensors file: a header size, then "{".
bool is_safetensors(std::span<const std::byte> bytes);

/// Tensors are views, kept alive by `keep_alive` (copies where they are not aligned to their
/// element type). Strict: throws Error for a header above 100 MB or beyond the file, another key or
/// type than the format knows, a key that occurs twice, an element type that is not read, sizes
/// that disagree or overflow, tensors that overlap, leave a hole, or do not end with the file.
Safetensors read_safetensors(std::span<const std::byte> bytes,
                             std::shared_ptr<const Storage> keep_alive, const std::string& name);
Safetensors read_safetensors(const std::string& path);

/// The same bytes for the same content: widest element type first (so that all lie aligned), then
/// by name; the header is filled up with spaces to 8 bytes. The file appears whole or not at all.
/// Throws Error: a name or text that is not UTF-8, a tensor called "__metadata__", a header above
/// 100 MB, a disk that is full.
void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace sidenet
