#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <vector>

// jpeglib.h needs FILE, and jerror.h what jpeglib.h defines.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "picture_bytes.h"
#include "picture_decoders.h"
#include "picture_size.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

/// One file's decoding. libjpeg's errors leave by longjmp, from C into a frame that has nothing to
/// destroy.
struct Reading {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::array<char, JMSG_LENGTH_MAX> message{};
  std::jmp_buf failed;
  std::uint64_t most_scans = 1;
  bool has_too_many_scans = false, has_no_end = false, rows_have_begun = false;
  const char* damage = nullptr;  // the first that was met

  ~Reading() { jpeg_destroy_decompress(&info); }
};

Reading& reading_of(j_common_ptr info) { return *static_cast<Reading*>(info->client_data); }

[[noreturn]] void fail(j_common_ptr info) {
  Reading& reading = reading_of(info);
  info->err->format_message(info, reading.message.data());
  std::longjmp(reading.failed, 1);
}

// Of its own accord libjpeg goes on, with grey where blocks are missing.
void take_warning(j_common_ptr info, int level) {
  if (level >= 0) return;
  Reading& reading = reading_of(info);
  const char* damage = nullptr;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF: reading.has_no_end = true; break;
    case JWRN_HIT_MARKER: damage = "its data end before its last blocks"; break;
    case JWRN_HUFF_BAD_CODE: damage = "it has a code that stands for nothing"; break;
    case JWRN_MUST_RESYNC: damage = "a restart marker is missing"; break;
    case JWRN_EXTRANEOUS_DATA:
      if (reading.rows_have_begun) damage = "other data stand before a restart marker";
      break;
    default: break;
  }
  if (reading.damage == nullptr) reading.damage = damage;
}

void print_nothing(j_common_ptr) {}

void count_scans(j_common_ptr info) {
  Reading& reading = reading_of(info);
  const int scan = reinterpret_cast<j_decompress_ptr>(info)->input_scan_number;
  if (static_cast<std::uint64_t>(scan) <= reading.most_scans) return;
  reading.has_too_many_scans = true;
  std::longjmp(reading.failed, 1);
}

bool read_header(Reading& reading, PictureBytes bytes) {
  if (setjmp(reading.failed) != 0) return false;
  jpeg_decompress_struct& info = reading.info;
  jpeg_create_decompress(&info);
  info.progress = &reading.progress;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  return true;
}

// Grey, RGB or CMYK: as Pillow, the defaults of libjpeg else (accurate DCT, smooth upsampling).
bool start(Reading& reading, std::size_t memory) {
  if (setjmp(reading.failed) != 0) return false;
  jpeg_decompress_struct& info = reading.info;
  info.mem->max_memory_to_use = static_cast<long>(memory);
  info.out_color_space = info.num_components == 1   ? JCS_GRAYSCALE
                         : info.num_components == 4 ? JCS_CMYK
                                                    : JCS_RGB;
  jpeg_start_decompress(&info);
  reading.rows_have_begun = !jpeg_has_multiple_scans(&info);
  return true;
}

bool read_row(Reading& reading, std::uint8_t* to) {
  if (setjmp(reading.failed) != 0) return false;
  jpeg_read_scanlines(&reading.info, &to, 1);
  return true;
}

// Adobe's inks are inverted, and Pillow takes all for Adobe's: its convert("RGB") of a "CMYK;I".
void to_rgb(const std::uint8_t* cmyk, std::size_t pixels, std::uint8_t* rgb) {
  for (std::size_t i = 0; i < pixels; ++i, cmyk += 4) {
    const unsigned black = cmyk[3];
    for (int ink = 0; ink < 3; ++ink) {
      const unsigned product = (255u - cmyk[ink]) * black + 128;
      const unsigned covered = ((product >> 8) + product) >> 8;  // / 255, rounded
      *rgb++ = static_cast<std::uint8_t>(black > covered ? black - covered : 0);
    }
  }
}

}  // namespace

Tensor decode_jpeg(std::span<const std::byte> bytes, const std::string& name) {
  Reading reading;
  jpeg_decompress_struct& info = reading.info;
  info.err = jpeg_std_error(&reading.errors);
  info.client_data = &reading;
  reading.errors.error_exit = fail;
  reading.errors.emit_message = take_warning;
  reading.errors.output_message = print_nothing;
  reading.progress.progress_monitor = count_scans;
  const auto is_of_another_kind = [&] {
    return Error(name + ": expected a baseline or progressive JPEG, got a lossless, hierarchical " +
                 "or arithmetic-coded one: convert it to PNG");
  };
  const auto does_not_decode = [&] {
    if (reading.errors.msg_code == JERR_SOF_UNSUPPORTED) return is_of_another_kind();
    return Error(name + ": the image does not decode: " + reading.message.data());
  };
  const auto is_damaged = [&](const std::string& how) {
    return Error(name + ": expected a whole JPEG, got one that is damaged: " + how +
                 "; fetch it again");
  };

  if (!read_header(reading, bytes)) throw does_not_decode();
  const PictureSize size{PictureFormat::jpeg, info.image_width, info.image_height, bytes.size()};
  check_size(size, name);
  if (info.num_components == 2 || info.num_components > 4)
    throw Error(name + ": expected a JPEG of 1, 3 or 4 components, got " +
                std::to_string(info.num_components) + ": convert it to PNG");
  // libjpeg takes what is missing in arithmetic codes for zeros, without a warning. Pillow refuses
  // them too.
  if (info.arith_code) throw is_of_another_kind();
  reading.most_scans = most_scans(size);
  if (!start(reading, memory_for(size)))
    throw reading.has_too_many_scans ? Error(too_many_scans(size, name)) : does_not_decode();
  // Scans of a progressive JPEG could be missing, and nothing else would tell.
  if (reading.has_no_end) throw is_damaged("truncated, it has no end marker");

  const bool is_cmyk = info.out_color_components == 4;
  const std::size_t width = info.output_width;
  Tensor picture(DType::u8,
                 {info.output_height, info.output_width, is_cmyk ? 3 : info.out_color_components});
  std::vector<std::uint8_t> inks(is_cmyk ? 4 * width : 0);
  const std::size_t stride = picture.bytes() / info.output_height;
  std::uint8_t* to = picture.mutable_data<std::uint8_t>();
  for (std::size_t y = 0; y < info.output_height; ++y, to += stride) {
    if (!read_row(reading, is_cmyk ? inks.data() : to)) throw does_not_decode();
    if (reading.damage != nullptr) break;
    if (is_cmyk) to_rgb(inks.data(), width, to);
  }
  if (reading.damage != nullptr) throw is_damaged(reading.damage);
  return picture;
}

const char* jpeg_library() { return "libjpeg-turbo"; }
JpegDecoder jpeg_decoder() { return JpegDecoder::libjpeg_turbo; }

}  // namespace sidenet
