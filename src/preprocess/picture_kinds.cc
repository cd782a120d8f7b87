#include "picture_kinds.h"

#include <array>
#include <string_view>

namespace sidenet {
namespace {

using namespace std::string_view_literals;

struct Kind {
  std::size_t at;  // bytes before the mark
  std::string_view mark;
  const char* name;
};

constexpr std::array kPictures{
    Kind{0, "GIF8"sv, "GIF"},
    Kind{0, "II*\0"sv, "TIFF"},
    Kind{0, "MM\0*"sv, "TIFF"},
    Kind{4, "ftypavi"sv, "AVIF"},
    Kind{4, "ftyphei"sv, "HEIC"},
    Kind{4, "ftyphev"sv, "HEIC"},
    Kind{4, "ftypmif1"sv, "HEIF"},
    Kind{0, "\xff\x0a"sv, "JPEG XL"},
    Kind{4, "JXL "sv, "JPEG XL"},
    Kind{4, "jP  "sv, "JPEG 2000"},
    Kind{0, "\xff\x4f\xff\x51"sv, "JPEG 2000"},
    Kind{0, "8BPS"sv, "Photoshop"},
    Kind{0, "\0\0\1\0"sv, "ICO"},
    Kind{0, "qoif"sv, "QOI"},
    Kind{0, "DDS "sv, "DDS"},
    Kind{0, "P1\n"sv, "PBM"},
    Kind{0, "P2\n"sv, "PGM"},
    Kind{0, "P3\n"sv, "PPM"},
    Kind{0, "P4\n"sv, "PBM"},
    Kind{0, "P5\n"sv, "PGM"},
    Kind{0, "P6\n"sv, "PPM"},
};

constexpr std::array kOthers{
    Kind{0, "version https://git-lfs"sv,
         "a pointer of Git LFS, not the picture itself: `git lfs pull` fetches it"},
    Kind{0, "\0\5\x16\7"sv, "a companion file of macOS (AppleDouble), which is no picture"},
    Kind{0, "%PDF"sv, "a PDF, which is no picture"},
    Kind{0, "<"sv, "text with tags, as of HTML or SVG, which is no picture"},
    Kind{0, "PK\3\4"sv, "a zip archive: unpack it"},
    Kind{0, "\x1f\x8b"sv, "a gzip file: unpack it"},
    Kind{0, "\x93NUMPY"sv, "a NumPy array, which `sidenet run` takes"},
};

bool starts(std::span<const std::byte> bytes, const Kind& kind) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.size() >= kind.at && text.substr(kind.at).starts_with(kind.mark);
}

}  // namespace

std::string picture_kind(std::span<const std::byte> bytes) {
  for (const Kind& kind : kPictures) {
    if (starts(bytes, kind)) return std::string("a ") + kind.name + " picture: convert it to PNG";
  }
  for (const Kind& kind : kOthers) {
    if (starts(bytes, kind)) return kind.name;
  }
  return "a file that starts as none of them";
}

}  // namespace sidenet
