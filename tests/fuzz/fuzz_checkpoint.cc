// Any bytes must give tensors or a sidenet::Error: checkpoints of every format, and NumPy arrays.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "checkpoint.h"
#include "npy.h"
#include "sidenet/error.h"

namespace {

// Reads every byte of a tensor, so that a view outside the file is seen.
void touch(const sidenet::Tensor& tensor) {
  static volatile unsigned char sink;
  for (std::size_t i = 0; i < tensor.bytes(); ++i) sink = static_cast<unsigned char>(tensor.raw()[i]);
  (void)sink;
}

template <typename Read>
void expect_error_or_result(Read read) {
  try {
    read();
  } catch (const sidenet::Error& error) {
    if (std::string(error.what()).find('\n') != std::string::npos) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  expect_error_or_result([&] {
    for (const auto& [name, tensor] : sidenet::read_checkpoint(bytes, nullptr, "input").tensors) touch(tensor);
  });
  expect_error_or_result([&] { touch(sidenet::read_npy(bytes, nullptr, "input")); });
  return 0;
}
