#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "sidenet/export.h"
#include "sidenet/tensor.h"

namespace sidenet {

/// A NumPy array file (numpy/lib/format.py), versions 1 to 3: bool, i1, u1 and little-endian i2,
/// i4, i8, f2, f4, f8. A view kept alive by `keep_alive`; a copy where the file is in Fortran order
/// or not aligned. Throws Error: not such a file, another element type, a header that is malformed
/// or above 64 KiB, fewer or more bytes than the shape takes.
SIDENET_API Tensor read_npy(std::span<const std::byte> bytes,
                            std::shared_ptr<const Storage> keep_alive, const std::string& name);
SIDENET_API Tensor read_npy(const std::string& path);

/// Version 1, C order, whole or not at all. Throws Error for bf16, which NumPy does not have, and a
/// disk that is full.
SIDENET_API void write_npy(const std::string& path, const Tensor& tensor);

}  // namespace sidenet
