#pragma once

#include <stdlib.h>
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sidenet/error.h"

// Files that the tests of images and datasets write, byte by byte, with nothing of the library's
// readers.
namespace files {

using Bytes = std::string;  // any bytes

inline std::span<const std::byte> view(const Bytes& bytes) {
  return std::as_bytes(std::span(bytes.data(), bytes.size()));
}

/// A folder of its own, removed at the end.
struct Folder {
  Folder() : path((std::filesystem::temp_directory_path() / "sidenet-data-XXXXXX").string()) {
    if (::mkdtemp(path.data()) == nullptr) throw sidenet::Error(path + ": cannot be made");
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  /// Writes a file, with the folders it lies in; returns its path.
  std::string write(const std::string& name, const Bytes& bytes) const {
    const auto file = std::filesystem::path(path) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file.string();
  }
  std::string path;
};

inline Bytes read(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw sidenet::Error(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// tests/golden/images/NAME.
inline std::string golden_image(const std::string& name) {
  const char* data = std::getenv("SIDENET_TEST_DATA");
  if (data == nullptr)
    throw sidenet::Error("SIDENET_TEST_DATA is not set: expected the path of tests/golden");
  return std::string(data) + "/images/" + name;
}

/// The message of the Error that `call` throws; empty where it throws none.
template <typename Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const sidenet::Error& error) {
    return error.what();
  }
  return "";
}

inline bool is_one_line(const std::string& message) {
  return !message.empty() && message.find('\n') == std::string::npos;
}

inline Bytes be32(std::uint32_t value) {
  Bytes bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

inline Bytes png_chunk(const std::string& type, const Bytes& data) {
  const Bytes body = type + data;
  const auto crc =
      ::crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return be32(static_cast<std::uint32_t>(data.size())) + body +
         be32(static_cast<std::uint32_t>(crc));
}

inline Bytes zlib(const Bytes& data) {
  uLongf size = ::compressBound(data.size());
  Bytes packed(size, '\0');
  ::compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
              reinterpret_cast<const Bytef*>(data.data()), data.size(), 9);
  packed.resize(size);
  return packed;
}

/// `rows`: each with its filter byte. `colour`: 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGB +
/// alpha.
inline Bytes png(std::uint32_t width, std::uint32_t height, int depth, int colour,
                 const Bytes& rows, bool adam7 = false) {
  const Bytes header = be32(width) + be32(height) + static_cast<char>(depth) +
                       static_cast<char>(colour) + Bytes(2, '\0') + static_cast<char>(adam7);
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) + png_chunk("IDAT", zlib(rows)) +
         png_chunk("IEND", "");
}

/// A grey or RGB picture of one colour.
inline Bytes plain_png(std::uint32_t width, std::uint32_t height, const Bytes& colour) {
  Bytes rows;
  for (std::uint32_t y = 0; y < height; ++y) {
    rows += '\0';
    for (std::uint32_t x = 0; x < width; ++x) rows += colour;
  }
  return png(width, height, 8, colour.size() == 1 ? 0 : 2, rows);
}

inline Bytes gzip(const Bytes& data) {
  z_stream stream{};
  ::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  Bytes packed(::deflateBound(&stream, data.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ::deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return packed;
}

inline Bytes octal(std::uint64_t value, std::size_t digits) {
  Bytes text(digits, '0');
  for (std::size_t i = digits; i-- > 0; value /= 8) text[i] = static_cast<char>('0' + value % 8);
  return text;
}

/// One ustar member. `type` '0' file, '5' folder, 'L' GNU long name, 'x' pax header.
inline Bytes tar_member(const std::string& name, const Bytes& data, char type = '0') {
  Bytes header(512, '\0');
  const auto put = [&](std::size_t at, const Bytes& field) {
    header.replace(at, field.size(), field);
  };
  put(0, name.substr(0, 100));
  put(100, "0000644");
  put(124, octal(data.size(), 11));
  put(136, octal(0, 11));
  put(148, Bytes(8, ' '));
  header[156] = type;
  put(257, Bytes("ustar\00000", 8));
  std::uint64_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, octal(sum, 6) + Bytes("\0 ", 2));
  return header + data + Bytes((512 - data.size() % 512) % 512, '\0');
}

inline Bytes tar_end() { return Bytes(1024, '\0'); }

inline Bytes idx(const std::vector<std::uint32_t>& shape, const Bytes& elements) {
  Bytes bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape) bytes += be32(extent);
  return bytes + elements;
}

/// One CIFAR row: the label bytes, then planes where pixel i of plane c is (seed + i + 80 c) mod
/// 256.
inline Bytes cifar_row(const Bytes& labels, int seed) {
  Bytes row = labels;
  for (int c = 0; c < 3; ++c) {
    for (int i = 0; i < 1024; ++i) row += static_cast<char>((seed + i + 80 * c) % 256);
  }
  return row;
}

/// `rows` CIFAR-10 rows with labels 0, 1, … 9, 0, … and seeds that count on from `seed`.
inline Bytes cifar10(int rows, int seed = 0) {
  Bytes bytes;
  for (int i = 0; i < rows; ++i) bytes += cifar_row(Bytes(1, static_cast<char>(i % 10)), seed + i);
  return bytes;
}

}  // namespace files
