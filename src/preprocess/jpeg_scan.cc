#include "jpeg_scan.h"

#include <algorithm>

#include "picture_bytes.h"

namespace sidenet {
namespace {

using Bytes = PictureBytes;

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

}  // namespace

/// Bits up to the next marker.
class JpegScans::Bits {
 public:
  explicit Bits(Bytes data) : data_(data) {}

  enum class Symbol { read, none_left, unknown };
  Symbol read(const Table& table, std::uint32_t& symbol) {
    fill();
    const auto next = static_cast<std::uint32_t>(buffer_ >> 48);
    int length = table.fast[next >> 7] >> 8;
    symbol = table.fast[next >> 7] & 0xff;
    if (length == 0) {
      length = 10;
      const auto is_code = [&](int l) {
        const auto n = static_cast<std::size_t>(l);
        return next >= table.first[n] && next < table.behind[n];
      };
      while (length <= 16 && !is_code(length)) ++length;
      if (length > 16) return left_ < 16 ? Symbol::none_left : Symbol::unknown;
      const auto n = static_cast<std::size_t>(length);
      symbol = table.symbols[table.offset[n] + ((next - table.first[n]) >> (16 - length))];
    }
    return take(length) ? Symbol::read : Symbol::none_left;
  }

  /// Expects at most 32. False where there are fewer.
  bool skip(int bits) {
    fill();
    return take(bits);
  }

  /// Behind what is left of a byte; false where no restart marker stands there.
  bool restart() {
    // Whole bytes that were read ahead are data that nobody asked for.
    if (left_ >= 8 || at_ + 1 >= data_.size() || u8(data_, at_) != 0xff) return false;
    while (at_ + 1 < data_.size() && u8(data_, at_ + 1) == 0xff) ++at_;
    if (at_ + 1 >= data_.size() || (u8(data_, at_ + 1) & 0xf8) != 0xd0) return false;
    at_ += 2;
    buffer_ = 0;
    left_ = 0;
    return true;
  }

 private:
  void fill() {
    while (left_ <= 56 && at_ < data_.size()) {
      const std::uint64_t byte = u8(data_, at_);
      if (byte == 0xff) {
        if (at_ + 1 >= data_.size() || u8(data_, at_ + 1) != 0) return;
        ++at_;
      }
      buffer_ |= byte << (56 - left_);
      left_ += 8;
      ++at_;
    }
  }
  bool take(int bits) {
    if (bits > left_) return false;
    buffer_ <<= bits;
    left_ -= bits;
    return true;
  }

  Bytes data_;
  std::size_t at_ = 0;
  std::uint64_t buffer_ = 0;  // the next bit is the highest
  int left_ = 0;
};

void JpegScans::read_tables(Bytes segment) {
  while (segment.size() >= 17) {
    Table table;
    std::uint32_t code = 0, count = 0;  // code: 16 bits wide
    for (std::size_t length = 1; length <= 16; ++length) {
      table.first[length] = code;
      table.offset[length] = count;
      code += u8(segment, length) << (16 - length);
      count += u8(segment, length);
      table.behind[length] = code;
    }
    if (segment.size() < 17 + count || code > 0x10000) return;
    for (std::size_t i = 0; i < count; ++i)
      table.symbols.push_back(static_cast<std::uint8_t>(u8(segment, 17 + i)));
    for (std::size_t length = 1; length <= 9; ++length) {
      std::uint32_t at = table.offset[length];
      for (std::uint32_t c = table.first[length]; c < table.behind[length];
           c += 1u << (16 - length), ++at)
        std::fill_n(table.fast.begin() + (c >> 7), 1u << (9 - length),
                    static_cast<std::uint16_t>(length << 8 | table.symbols[at]));
    }
    const std::uint32_t number = u8(segment, 0) & 15, kind = u8(segment, 0) >> 4;
    if (number < 4 && kind < 2) tables_[number + 4 * kind] = std::move(table);
    segment = segment.subspan(17 + count);
  }
}

void JpegScans::read_segment(std::uint32_t marker, Bytes segment) {
  if (marker == 0xc4) read_tables(segment);
  if (marker == 0xdd && segment.size() >= 2) restart_ = be16(segment, 0);
  if (marker < 0xc0 || marker > 0xc2 || has_frame_ || segment.size() < 6) return;
  has_frame_ = true;
  height_ = be16(segment, 1);
  width_ = be16(segment, 3);
  for (std::size_t at = 6; marker != 0xc2 && at + 3 <= segment.size(); at += 3) {
    const std::uint32_t h = u8(segment, at + 1) >> 4, v = u8(segment, at + 1) & 15;
    components_.push_back({u8(segment, at), std::clamp(h, 1u, 4u), std::clamp(v, 1u, 4u)});
  }
}

std::optional<std::vector<JpegScans::Part>> JpegScans::parts_of(Bytes header,
                                                                std::uint64_t& units) const {
  const std::size_t count = header.empty() ? 0 : u8(header, 0);
  if (count < 1 || count > 4 || header.size() < 1 + 2 * count) return std::nullopt;
  std::uint32_t most_h = 1, most_v = 1;
  for (const Component& each : components_) {
    most_h = std::max(most_h, each.h);
    most_v = std::max(most_v, each.v);
  }
  units = ceil_div(width_, 8 * most_h) * ceil_div(height_, 8 * most_v);
  std::vector<Part> parts;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t id = u8(header, 1 + 2 * i), numbers = u8(header, 2 + 2 * i);
    const auto found = std::find_if(components_.begin(), components_.end(),
                                    [&](const Component& each) { return each.id == id; });
    if (found == components_.end() || (numbers >> 4) > 3 || (numbers & 15) > 3) return std::nullopt;
    const auto &dc = tables_[numbers >> 4], &ac = tables_[4 + (numbers & 15)];
    if (!dc || !ac) return std::nullopt;
    parts.push_back({found->h * found->v, &*dc, &*ac});
    if (count > 1) continue;
    parts.back().blocks = 1;  // alone it has no more blocks than it needs
    units = ceil_div(ceil_div(std::uint64_t{width_} * found->h, most_h), 8) *
            ceil_div(ceil_div(std::uint64_t{height_} * found->v, most_v), 8);
  }
  return parts;
}

std::string JpegScans::missing(Bytes header, Bytes data) const {
  std::uint64_t units = 0;
  const auto parts = components_.empty() ? std::nullopt : parts_of(header, units);
  if (!parts) return "";
  Bits bits(data);
  // False at a code that the decoder refuses, or where no bits are left.
  bool has_ended = false;
  const auto pass_block = [&](const Part& part) {
    for (std::uint32_t at = 0; at < 64;) {
      std::uint32_t symbol = 0;
      const auto read = bits.read(at == 0 ? *part.dc : *part.ac, symbol);
      has_ended = read == Bits::Symbol::none_left;
      if (read != Bits::Symbol::read) return false;
      const std::uint32_t size = at == 0 ? symbol : symbol & 15, run = at == 0 ? 0 : symbol >> 4;
      if (size > 16) return false;
      if (at > 0 && size == 0 && run < 15) return true;
      has_ended = !bits.skip(static_cast<int>(size));
      if (has_ended) return false;
      at += run + 1;
    }
    return true;
  };
  const auto end = [&](std::uint64_t unit, const char* what) {
    return std::string(what) + " after " + std::to_string(unit) + " of " + std::to_string(units) +
           " blocks";
  };
  for (std::uint64_t unit = 0; unit < units; ++unit) {
    if (restart_ > 0 && unit > 0 && unit % restart_ == 0 && !bits.restart())
      return end(unit, "expected a restart marker");
    for (const Part& part : *parts) {
      for (std::uint32_t block = 0; block < part.blocks; ++block) {
        if (!pass_block(part)) return has_ended ? end(unit, "a JPEG's data end") : "";
      }
    }
  }
  return "";
}

}  // namespace sidenet
