#include "exif_orientation.h"

#include <optional>
#include <string_view>

namespace sidenet {
namespace {

using namespace std::string_view_literals;

std::string_view text_of(PictureBytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The TIFF block of EXIF: its first directory.
std::optional<int> of_exif(PictureBytes exif) {
  if (text_of(exif).starts_with("Exif\0\0"sv)) exif = exif.subspan(6);
  const bool little = text_of(exif).starts_with("II*\0"sv);
  if (exif.size() < 8 || (!little && !text_of(exif).starts_with("MM\0*"sv))) return std::nullopt;
  const auto short_at = [&](std::size_t at) { return little ? le16(exif, at) : be16(exif, at); };
  const auto long_at = [&](std::size_t at) { return little ? le32(exif, at) : be32(exif, at); };
  constexpr std::uint32_t kOrientation = 0x112, kShort = 3, kLong = 4;
  constexpr std::size_t kEntry = 12;
  std::size_t at = long_at(4);
  if (at > exif.size() || exif.size() - at < 2) return std::nullopt;
  const std::uint32_t entries = short_at(at);
  at += 2;
  for (std::uint32_t i = 0; i < entries && exif.size() - at >= kEntry; ++i, at += kEntry) {
    if (short_at(at) != kOrientation || long_at(at + 4) != 1) continue;
    const std::uint32_t type = short_at(at + 2);
    if (type == kShort) return static_cast<int>(short_at(at + 8));
    if (type == kLong && long_at(at + 8) <= 8) return static_cast<int>(long_at(at + 8));
  }
  return std::nullopt;
}

std::optional<int> of_xmp(PictureBytes xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  const std::string_view text = text_of(xmp);
  for (auto at = text.find(kName); at != std::string_view::npos; at = text.find(kName, at + 1)) {
    std::string_view value = text.substr(at + kName.size());
    for (const std::string_view before : {"=\""sv, ">"sv}) {
      if (!value.starts_with(before) || value.size() == before.size()) continue;
      const char digit = value[before.size()];
      if (digit >= '0' && digit <= '9') return digit - '0';
    }
  }
  return std::nullopt;
}

struct Found {
  std::optional<int> exif, xmp;
  void take_exif(PictureBytes part) {
    if (!exif) exif = of_exif(part);
  }
  void take_xmp(PictureBytes part) {
    if (!xmp) xmp = of_xmp(part);
  }
  int orientation() const {
    const int said = exif ? *exif : xmp.value_or(1);
    return said >= 1 && said <= 8 ? said : 1;
  }
};

// Up to the first scan.
Found in_jpeg(PictureBytes bytes) {
  Found found;
  for (std::size_t at = 2; at + 4 <= bytes.size();) {
    if (u8(bytes, at) != 0xff || u8(bytes, at + 1) == 0xff) {
      ++at;
      continue;
    }
    const std::uint32_t marker = u8(bytes, at + 1), length = be16(bytes, at + 2);
    if (marker == 0xda || marker == 0xd9 || length < 2 || bytes.size() - at - 2 < length) break;
    const PictureBytes segment = bytes.subspan(at + 4, length - 2);
    if (marker == 0xe1 && text_of(segment).starts_with("Exif\0"sv)) found.take_exif(segment);
    if (marker == 0xe1 && text_of(segment).starts_with("http://ns.adobe.com/xap/1.0/\0"sv))
      found.take_xmp(segment);
    at += 2 + length;
  }
  return found;
}

Found in_png(PictureBytes bytes) {
  Found found;
  for (std::size_t at = 8; bytes.size() >= at + 12;) {
    const std::size_t length = be32(bytes, at);
    if (length > bytes.size() - at - 12) break;
    if (text_of(bytes.subspan(at + 4, 4)) == "eXIf") found.take_exif(bytes.subspan(at + 8, length));
    at += 12 + length;
  }
  return found;
}

Found in_webp(PictureBytes bytes) {
  Found found;
  for (std::size_t at = 12; bytes.size() >= at + 8;) {
    const std::size_t length = le32(bytes, at + 4);
    if (length > bytes.size() - at - 8) break;
    const std::string_view kind = text_of(bytes.subspan(at, 4));
    const PictureBytes part = bytes.subspan(at + 8, length);
    if (kind == "EXIF") found.take_exif(part);
    if (kind == "XMP ") found.take_xmp(part);
    at += 8 + length + length % 2;
  }
  return found;
}

}  // namespace

int exif_orientation(PictureFormat format, PictureBytes bytes) {
  switch (format) {
    case PictureFormat::jpeg: return in_jpeg(bytes).orientation();
    case PictureFormat::png: return in_png(bytes).orientation();
    case PictureFormat::webp: return in_webp(bytes).orientation();
    case PictureFormat::bmp:
    case PictureFormat::other: break;
  }
  return 1;
}

}  // namespace sidenet
