#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sidenet::testing {

template <typename T>
std::string little_endian(T value) {
  static_assert(std::is_arithmetic_v<T>);
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// Pickles by hand, opcode by opcode (pickletools' names), since hostile ones cannot be had from
/// Python.
namespace opcodes {

inline const std::string proto2("\x80\x02", 2);

inline std::string text(const std::string& s) {
  return "X" + little_endian(static_cast<std::uint32_t>(s.size())) + s;
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string integer(std::int64_t value) {
  return std::string("\x8a\x08", 2) + little_endian(value);
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string result = "(";
  for (const auto& item : items) result += item;
  return result + "t";
}
inline std::string integers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const auto value : values) items.push_back(integer(value));
  return tuple(items);
}
inline std::string call(const std::string& module, const std::string& name,
                        const std::vector<std::string>& arguments) {
  return global(module, name) + tuple(arguments) + "R";
}
inline std::string storage(const std::string& type, const std::string& key, std::int64_t elements) {
  return tuple(
             {text("storage"), global("torch", type), text(key), text("cpu"), integer(elements)}) +
         "Q";
}
inline std::string tensor(const std::string& storage, std::int64_t offset,
                          const std::vector<std::int64_t>& shape,
                          const std::vector<std::int64_t>& strides) {
  return call("torch._utils", "_rebuild_tensor_v2",
              {storage, integer(offset), integers(shape), integers(strides), "\x89",
               call("collections", "OrderedDict", {})});
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string result = "}(";
  for (const auto& [key, value] : items) result += text(key) + value;
  return result + "u";
}

}  // namespace opcodes

struct ZipEntry {
  std::string name, data;
  std::uint16_t method = 0;            // 0 stored, 8 deflated
  std::int64_t announced_size = -1;    // uncompressed; -1: the truth
  std::int64_t announced_stored = -1;  // compressed; -1: the truth
  std::int64_t announced_offset = -1;  // of the local header; -1: the truth
  std::uint16_t flags = 0;
  std::string extra{};       // field
  std::string local_name{};  // in the local header; empty: as in the directory
};

inline std::string raw_deflate(const std::string& data) {
  std::string result(data.size() + 1024, '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

/// What lies before the end record of a zip archive.
struct ZipParts {
  std::string entries, directory;
  std::uint64_t count = 0;
};

inline ZipParts zip_parts(const std::vector<ZipEntry>& entries) {
  ZipParts parts;
  for (const ZipEntry& entry : entries) {
    const std::string stored = entry.method == 8 ? raw_deflate(entry.data) : entry.data;
    const auto size = static_cast<std::uint32_t>(entry.announced_size < 0 ? entry.data.size()
                                                                          : entry.announced_size);
    const auto compressed = static_cast<std::uint32_t>(
        entry.announced_stored < 0 ? stored.size() : entry.announced_stored);
    const auto offset = static_cast<std::uint32_t>(
        entry.announced_offset < 0 ? parts.entries.size() : entry.announced_offset);
    const auto checksum =
        static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(entry.data.data()),
                                         static_cast<uInt>(entry.data.size())));
    const auto common = [&](const std::string& name, const std::string& extra) {
      return little_endian<std::uint16_t>(20) + little_endian(entry.flags) +
             little_endian(entry.method) + little_endian<std::uint32_t>(0x00210000) +
             little_endian(checksum) + little_endian(compressed) + little_endian(size) +
             little_endian(static_cast<std::uint16_t>(name.size())) +
             little_endian(static_cast<std::uint16_t>(extra.size()));
    };
    parts.directory += "PK\x01\x02" + little_endian<std::uint16_t>(20) +
                       common(entry.name, entry.extra) + std::string(10, '\0') +
                       little_endian(offset) + entry.name + entry.extra;
    const std::string local = entry.local_name.empty() ? entry.name : entry.local_name;
    parts.entries += "PK\x03\x04" + common(local, entry.extra) + local + entry.extra + stored;
    ++parts.count;
  }
  return parts;
}

inline std::string zip_end(std::uint64_t count, std::uint64_t size, std::uint64_t begin,
                           const std::string& comment = "") {
  return "PK\x05\x06" + std::string(4, '\0') + little_endian(static_cast<std::uint16_t>(count)) +
         little_endian(static_cast<std::uint16_t>(count)) +
         little_endian(static_cast<std::uint32_t>(size)) +
         little_endian(static_cast<std::uint32_t>(begin)) +
         little_endian(static_cast<std::uint16_t>(comment.size())) + comment;
}

/// A zip archive (APPNOTE.TXT 4.3) whose directory says what the entries tell it to.
inline std::string zip_archive(const std::vector<ZipEntry>& entries) {
  const ZipParts parts = zip_parts(entries);
  return parts.entries + parts.directory +
         zip_end(parts.count, parts.directory.size(), parts.entries.size());
}

/// A PyTorch zip checkpoint of one pickle and one storage "0".
inline std::string pytorch_zip(const std::string& pickle, const std::string& storage) {
  return zip_archive({{"a/data.pkl", opcodes::proto2 + pickle + "."}, {"a/data/0", storage}});
}

inline std::string pytorch_legacy(const std::string& pickle, const std::string& keys,
                                  const std::string& storages) {
  using namespace opcodes;
  return proto2 + std::string("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13) + proto2 +
         "M\xe9\x03." + proto2 + "}." + proto2 + pickle + "." + proto2 + keys + "." + storages;
}

inline std::string safetensors(const std::string& header, const std::string& data) {
  return little_endian(static_cast<std::uint64_t>(header.size())) + header + data;
}

inline std::string npy(const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY\x01\x00", 8) +
         little_endian(static_cast<std::uint16_t>(header.size())) + header + data;
}

}  // namespace sidenet::testing
