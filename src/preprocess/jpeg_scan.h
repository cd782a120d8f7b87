#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sidenet {

/// Looks whether the scans of a sequential JPEG hold all of their blocks. stb_image, and libjpeg
/// with a warning, make up what a damaged file lacks. Codes are only measured, nothing is decoded.
/// What else is wrong with them is left to the decoder.
class JpegScans {
 public:
  /// A segment before the scan, without marker and length: tables, the frame, the restart interval.
  void read_segment(std::uint32_t marker, std::span<const std::byte> segment);
  /// The scan's header, and its data up to the marker that ends it. What is missing; "": nothing.
  std::string missing(std::span<const std::byte> header, std::span<const std::byte> data) const;

 private:
  struct Table {
    std::array<std::uint16_t, 512> fast{};  // by 9 bits: length << 8 | symbol; 0: longer or none
    std::array<std::uint32_t, 17> first{}, behind{};  // codes of each length, 16 bits wide
    std::array<std::uint32_t, 17> offset{};           // in symbols
    std::vector<std::uint8_t> symbols;
  };
  struct Component {
    std::uint32_t id, h, v;
  };
  /// A component of a scan: its blocks in one MCU, and its tables.
  struct Part {
    std::uint32_t blocks;
    const Table *dc, *ac;
  };
  class Bits;

  void read_tables(std::span<const std::byte> segment);
  std::optional<std::vector<Part>> parts_of(std::span<const std::byte> header,
                                            std::uint64_t& units) const;

  std::array<std::optional<Table>, 8> tables_;  // 0 … 3 of DC, 4 … 7 of AC
  std::uint32_t width_ = 0, height_ = 0, restart_ = 0;
  std::vector<Component> components_;  // none: not sequential
  bool has_frame_ = false;
};

}  // namespace sidenet
