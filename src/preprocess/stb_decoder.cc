#include "stb_decoder.h"

#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "sidenet/error.h"

namespace {

// What stb_image may still allocate on this thread. Each block carries its size in front.
thread_local std::size_t allowance = 0;
constexpr std::size_t kFront = alignof(std::max_align_t);

// Zeroed: stb_image 2.27 reads Huffman tables and planes that a broken file never filled.
void* bounded_alloc(std::size_t size) {
  if (size > allowance) return nullptr;
  auto* block = static_cast<unsigned char*>(std::calloc(1, size + kFront));
  if (block == nullptr) return nullptr;
  allowance -= size;
  std::memcpy(block, &size, sizeof size);
  return block + kFront;
}

void bounded_free(void* pointer) {
  if (pointer == nullptr) return;
  auto* block = static_cast<unsigned char*>(pointer) - kFront;
  std::size_t size;
  std::memcpy(&size, block, sizeof size);
  allowance += size;
  std::free(block);
}

[[maybe_unused]] void* bounded_realloc(void* pointer, std::size_t old_size, std::size_t size) {
  void* moved = bounded_alloc(size);
  if (moved == nullptr) return nullptr;
  if (pointer != nullptr) std::memcpy(moved, pointer, old_size < size ? old_size : size);
  bounded_free(pointer);
  return moved;
}

struct BrokenInvariant {};

void require_invariant(bool holds) {
  if (!holds) throw BrokenInvariant{};
}

}  // namespace

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
// What libraries read (meson.build) is left out.
#ifndef SIDENET_LIBPNG
#define STBI_ONLY_PNG
#endif
#ifndef SIDENET_LIBJPEG
#define STBI_ONLY_JPEG
#endif
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS (1 << 15)
#define STBI_MALLOC(size) bounded_alloc(size)
#define STBI_REALLOC_SIZED(pointer, old_size, size) bounded_realloc(pointer, old_size, size)
#define STBI_FREE(pointer) bounded_free(pointer)
#define STBI_ASSERT(condition) require_invariant(condition)
// Not popped: the last is given where the header's functions are inlined, further down.
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wsign-compare"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <stb_image.h>

namespace sidenet {
namespace {

const stbi_uc* stb_bytes(std::span<const std::byte> bytes, const std::string& name) {
  if (bytes.size() > INT_MAX)
    throw Error(name + ": expected an image of at most 2 GiB, got " + std::to_string(bytes.size()) +
                " bytes");
  return reinterpret_cast<const stbi_uc*>(bytes.data());
}

[[noreturn]] void fail(const std::string& name) {
  const char* reason = stbi_failure_reason();
  throw Error(name +
              ": the image does not decode: " + (reason != nullptr ? reason : "unknown reason"));
}

// Sets the allowance, and turns a failed STBI_ASSERT into an Error.
template <typename Call>
auto guarded(std::size_t memory, const std::string& name, Call call) {
  allowance = memory;
  try {
    return call();
  } catch (const BrokenInvariant&) {
    throw Error(name + ": the image does not decode: its data break the decoder's assumptions");
  }
}

}  // namespace

Tensor stb_decode(std::span<const std::byte> bytes, const PictureSize& size,
                  const std::string& name) {
  constexpr std::size_t kReaderState = std::size_t{1} << 20;
  const stbi_uc* data = stb_bytes(bytes, name);
  const int count = static_cast<int>(bytes.size());
  int width = 0, height = 0, channels = 0;
  const int known = guarded(kReaderState, name, [&] {
    return stbi_info_from_memory(data, count, &width, &height, &channels);
  });
  if (known == 0) fail(name);
  const auto side = [](int extent) { return static_cast<std::uint64_t>(std::abs(extent)); };
  if (side(width) != size.width ||
      side(height) != size.height) {  // BMP: negative from the top down
    throw Error(name + ": expected one size, got headers that disagree: " +
                std::to_string(size.width) + " x " + std::to_string(size.height) + " and " +
                std::to_string(width) + " x " + std::to_string(height));
  }
  const std::unique_ptr<stbi_uc, decltype(&bounded_free)> pixels(
      guarded(memory_for(size), name,
              [&] { return stbi_load_from_memory(data, count, &width, &height, &channels, 0); }),
      &bounded_free);
  if (pixels == nullptr) fail(name);
  Tensor picture(DType::u8, {height, width, channels});
  std::memcpy(picture.mutable_data<std::uint8_t>(), pixels.get(), picture.bytes());
  return picture;
}

}  // namespace sidenet
