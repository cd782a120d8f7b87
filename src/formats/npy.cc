#include "sidenet/npy.h"

#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "atomic_file.h"
#include "byte_reader.h"
#include "checked.h"
#include "mapped_file.h"
#include "sidenet/error.h"
#include "strided_copy.h"

namespace sidenet {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::uint64_t kMaxHeader = 1 << 16;
constexpr std::size_t kMaxRank = 64;

constexpr struct {
  const char* descr;
  DType dtype;
} kTypes[] = {{"<f4", DType::f32}, {"<f8", DType::f64}, {"<f2", DType::f16},
              {"|i1", DType::i8},  {"|u1", DType::u8},  {"<i2", DType::i16},
              {"<i4", DType::i32}, {"<i8", DType::i64}, {"|b1", DType::boolean}};

struct Header {
  std::optional<DType> dtype;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

// The header is a Python dict literal of three entries: {'descr': '<f4', 'fortran_order': False,
// 'shape': (2, 3), }.
class HeaderParser {
 public:
  // `end`: the byte of the file behind the header.
  HeaderParser(std::string_view text, std::size_t end, const std::string& name)
      : text_(text), end_(end), name_(name) {}

  Header parse() {
    Header header;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && !header.dtype) {
        header.dtype = dtype(string());
      } else if (key == "fortran_order" && !header.fortran_order) {
        header.fortran_order = boolean();
      } else if (key == "shape" && !header.shape) {
        header.shape = shape();
      } else {
        fail("expected descr, fortran_order and shape, each once, got " + quote(key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!text_.empty()) fail("expected its end, got " + quote(text_));
    if (!header.dtype || !header.fortran_order || !header.shape)
      fail("expected descr, fortran_order and shape, got a header without one of them");
    return header;
  }

 private:
  void skip_space() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\n"), text_.size()));
  }
  bool accept(char c) {
    skip_space();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("expected ") + c + ", got " + quote(text_.substr(0, 8)));
  }
  std::string_view string() {
    skip_space();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"'))
      fail("expected a string, got " + quote(text_.substr(0, 8)));
    const std::size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos)
      fail("expected a string, got " + quote(text_.substr(0, 8)) + ", a string that does not end");
    const std::string_view result = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return result;
  }
  bool boolean() {
    skip_space();
    for (const std::string_view word : {"True", "False"}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return word == "True";
    }
    fail("fortran_order: expected True or False, got " + quote(text_.substr(0, 8)));
  }
  Shape shape() {
    Shape result;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::int64_t extent = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0)
        fail("shape: expected a size, got " + quote(text_.substr(0, 24)));
      if (result.size() == kMaxRank) fail("shape: expected at most 64 axes, got more");
      result.push_back(extent);
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return result;
  }
  DType dtype(std::string_view descr) {
    for (const auto& known : kTypes) {
      const std::string_view type(known.descr);
      const bool one_byte = type[0] == '|';
      if (descr == type || (descr.size() == 3 && descr.substr(1) == type.substr(1) &&
                            (descr[0] == '=' || one_byte))) {
        return known.dtype;
      }
    }
    fail("descr: expected b1, i1, u1 or little-endian i2, i4, i8, f2, f4 or f8, got " +
         quote(descr));
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(name_ + ": byte " + std::to_string(end_ - text_.size()) + ": npy header: " + what);
  }

  std::string_view text_;
  std::size_t end_;
  const std::string& name_;
};

Tensor from_fortran_order(DType dtype, const Shape& shape, const std::byte* data) {
  Shape strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return copy_strided(dtype, shape, strides, data);
}

}  // namespace

Tensor read_npy(std::span<const std::byte> bytes, std::shared_ptr<const Storage> keep_alive,
                const std::string& name) {
  ByteReader reader(bytes, name);
  if (const auto magic = reader.take_text(kMagic.size()); magic != kMagic) {
    throw Error(name +
                ": byte 0: expected a NumPy array file (.npy), got a file that begins with " +
                quote(magic));
  }
  const int version = reader.u8();
  const int minor = reader.u8();
  if (version < 1 || version > 3 || minor != 0) {
    throw Error(name + ": byte 6: npy version: expected 1.0, 2.0 or 3.0, got " +
                std::to_string(version) + "." + std::to_string(minor));
  }
  const std::uint64_t header_bytes =
      version == 1 ? reader.little_endian<std::uint16_t>() : reader.little_endian<std::uint32_t>();
  if (header_bytes > kMaxHeader) {
    throw Error(name + ": byte 8: npy header: expected at most 65536 bytes, got " +
                std::to_string(header_bytes));
  }
  const Header header = [&] {
    const std::string_view text = reader.take_text(header_bytes);
    return HeaderParser(text, reader.offset(), name).parse();
  }();

  std::uint64_t expected = 0;
  try {
    expected = checked_mul(static_cast<std::uint64_t>(element_count(*header.shape)),
                           dtype_size(*header.dtype), "array");
  } catch (const Error& error) {
    throw Error(name + ": npy header: shape: " + error.what());
  }
  if (reader.remaining() != expected) {
    throw Error(name + ": byte " + std::to_string(reader.offset()) + ": expected " +
                std::to_string(expected) + " bytes, which " + dtype_name(*header.dtype) + " " +
                to_string(*header.shape) + " takes, got " + std::to_string(reader.remaining()));
  }
  const std::byte* data = bytes.data() + reader.offset();
  if (*header.fortran_order && header.shape->size() > 1 && expected > 0) {
    return from_fortran_order(*header.dtype, *header.shape, data);
  }
  const Tensor view(*header.dtype, *header.shape, data, std::move(keep_alive));
  return reinterpret_cast<std::uintptr_t>(data) % dtype_size(*header.dtype) == 0 ? view
                                                                                 : view.clone();
}

Tensor read_npy(const std::string& path) {
  const auto file = MappedFile::open(path);
  return read_npy(file->bytes(), file, path);
}

void write_npy(const std::string& path, const Tensor& tensor) {
  const char* descr = nullptr;
  for (const auto& known : kTypes) {
    if (known.dtype == tensor.dtype()) descr = known.descr;
  }
  if (descr == nullptr)
    throw Error(path + ": NumPy has no element type " + dtype_name(tensor.dtype()));
  std::string shape;
  for (const std::int64_t extent : tensor.shape())
    shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
  if (tensor.rank() == 1) shape += ',';
  std::string header =
      std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  // The data begins at a multiple of 64 bytes, and the header ends with a newline.
  const std::size_t before = kMagic.size() + 4;
  header.resize((before + header.size() + 1 + 63) / 64 * 64 - before - 1, ' ');
  header += '\n';
  std::string start(kMagic);
  start += {'\x01', '\x00', static_cast<char>(header.size() & 255),
            static_cast<char>(header.size() >> 8)};

  AtomicFile file(path);
  file.write(start + header);
  file.write({tensor.raw(), tensor.bytes()});
  file.commit();
}

}  // namespace sidenet
