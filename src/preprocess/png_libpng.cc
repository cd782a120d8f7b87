#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "picture_decoders.h"
#include "png_chunks.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

/// What libpng calls back with. Its errors leave by longjmp, from C into a frame that has nothing
/// to destroy.
struct Reading {
  png_structp png = nullptr;
  png_infop info = nullptr;
  PictureBytes left;
  std::size_t allowance = 0;  // bytes that it may still take
  std::array<char, 128> message{};
  std::jmp_buf failed;

  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void fail(png_structp png, png_const_charp message) {
  auto& reading = *static_cast<Reading*>(png_get_error_ptr(png));
  std::strncpy(reading.message.data(), message, reading.message.size() - 1);
  std::longjmp(reading.failed, 1);
}

void ignore(png_structp, png_const_charp) {}

void read(png_structp png, png_bytep to, std::size_t count) {
  auto& reading = *static_cast<Reading*>(png_get_io_ptr(png));
  if (count > reading.left.size()) png_error(png, "truncated");
  std::memcpy(to, reading.left.data(), count);
  reading.left = reading.left.subspan(count);
}

// Each block carries its size in front.
constexpr std::size_t kFront = alignof(std::max_align_t);

void* allocate(png_structp png, png_alloc_size_t size) {
  auto& reading = *static_cast<Reading*>(png_get_mem_ptr(png));
  if (size > reading.allowance) return nullptr;
  auto* block = static_cast<unsigned char*>(std::malloc(size + kFront));
  if (block == nullptr) return nullptr;
  reading.allowance -= size;
  std::memcpy(block, &size, sizeof size);
  return block + kFront;
}

void release(png_structp png, void* pointer) {
  if (pointer == nullptr) return;
  auto* block = static_cast<unsigned char*>(pointer) - kFront;
  png_alloc_size_t size;
  std::memcpy(&size, block, sizeof size);
  static_cast<Reading*>(png_get_mem_ptr(png))->allowance += size;
  std::free(block);
}

// Everything becomes 8-bit grey or RGB. Alpha is dropped, not blended.
bool read_header(Reading& reading) {
  if (setjmp(reading.failed) != 0) return false;
  png_structp png = reading.png;
  // All but what pixels need is passed over: texts and profiles are never inflated.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER,
                              reinterpret_cast<png_const_bytep>("tRNS"), 1);
  png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);  // they are checked already
  png_set_read_fn(png, &reading, read);
  png_read_info(png, reading.info);
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, reading.info);
  return true;
}

bool read_rows(Reading& reading, png_bytepp rows) {
  if (setjmp(reading.failed) != 0) return false;
  png_read_image(reading.png, rows);
  return true;
}

}  // namespace

Tensor decode_png(std::span<const std::byte> bytes, const std::string& name) {
  const PictureSize size = check_png(bytes, name);
  check_size(size, name);
  Reading reading;
  reading.left = bytes;
  reading.allowance = memory_for(size);
  const auto does_not_decode = [&] {
    return Error(name + ": the image does not decode: " + reading.message.data());
  };
  reading.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &reading, fail, ignore, &reading,
                                         allocate, release);
  if (reading.png != nullptr) reading.info = png_create_info_struct(reading.png);
  if (reading.info == nullptr) throw Error(name + ": libpng cannot be started");
  if (!read_header(reading)) throw does_not_decode();
  const auto height = png_get_image_height(reading.png, reading.info);
  Tensor picture(DType::u8, {height, png_get_image_width(reading.png, reading.info),
                             png_get_channels(reading.png, reading.info)});
  const std::size_t stride = png_get_rowbytes(reading.png, reading.info);
  if (stride * height != picture.bytes()) throw Error(name + ": libpng gives rows of another size");
  std::vector<png_bytep> rows(height);
  for (std::size_t y = 0; y < rows.size(); ++y)
    rows[y] = picture.mutable_data<std::uint8_t>() + y * stride;
  if (!read_rows(reading, rows.data())) throw does_not_decode();
  return picture;
}

const char* png_library() { return "libpng"; }

}  // namespace sidenet
