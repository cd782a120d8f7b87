#include "zip_directory.h"

#include <algorithm>
#include <optional>

#include "byte_reader.h"
#include "sidenet/error.h"

namespace sidenet {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kEndMark = 0x06054b50, kLocatorMark = 0x07064b50, kEnd64Mark = 0x06064b50,
                        kRecordMark = 0x02014b50, kLocalMark = 0x04034b50;
constexpr std::size_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56, kRecordSize = 46,
                      kLocalSize = 30;
constexpr std::size_t kMaxComment = 0xffff;
constexpr std::uint16_t kIn64 = 0xffff, kExtra64 = 1, kSizesFollow = 1 << 3;
constexpr std::uint32_t kIn64Wide = 0xffffffff;

struct Directory {
  std::uint64_t count = 0, size = 0, begin = 0;
};

[[noreturn]] void fail(const std::string& where, std::string_view entry, const std::string& what) {
  throw Error(where + ": zip entry " + quote(entry) + ": " + what);
}

template <typename T>
T peek(Bytes bytes, std::size_t at) {
  return ByteReader(bytes, "", at).little_endian<T>();
}

// The end record is told by a comment that ends with the file.
std::size_t find_end(Bytes bytes, const std::string& where) {
  std::optional<std::size_t> found;
  const std::size_t last = bytes.size() < kEndSize ? 0 : bytes.size() - kEndSize + 1;
  for (std::size_t at = last - std::min(last, kMaxComment + 1); at < last; ++at) {
    if (bytes[at] != std::byte{'P'} || peek<std::uint32_t>(bytes, at) != kEndMark) continue;
    if (peek<std::uint16_t>(bytes, at + kEndSize - 2) != bytes.size() - at - kEndSize) continue;
    if (found) {
      throw Error(where +
                  ": expected one zip end record, got two that fit the end of the file, at bytes " +
                  std::to_string(*found) + " and " + std::to_string(at));
    }
    found = at;
  }
  if (found) return *found;
  throw Error(where + ": expected a whole zip archive, got none of its end records in the last " +
              std::to_string(std::min(bytes.size(), kEndSize + kMaxComment)) + " of " +
              std::to_string(bytes.size()) + " bytes: truncated?");
}

// The zip64 end record that the locator before the end record leads to; sets where it begins.
Directory read_end64(Bytes bytes, std::size_t locator, std::size_t& begin,
                     const std::string& where) {
  ByteReader reader(bytes, where, locator + 4);
  const auto disk = reader.little_endian<std::uint32_t>();
  const auto at = reader.little_endian<std::uint64_t>();
  const auto disks = reader.little_endian<std::uint32_t>();
  if (disk != 0 || disks > 1)
    reader.fail_at(locator, "expected a zip archive of one disk, got " + std::to_string(disks));
  if (at > locator || locator - at < kEnd64Size) {
    reader.fail_at(
        locator,
        "expected a zip64 end record of 56 bytes or more before this locator, got one at byte " +
            std::to_string(at));
  }
  ByteReader record(bytes, where, static_cast<std::size_t>(at));
  if (record.little_endian<std::uint32_t>() != kEnd64Mark)
    record.fail_at(at, "expected a zip64 end record, got other bytes");
  const auto size = record.little_endian<std::uint64_t>();
  if (size != locator - at - 12) {
    record.fail_at(at, "zip64 end record: expected a size of " + std::to_string(locator - at - 12) +
                           ", got " + std::to_string(size));
  }
  record.take(4);  // versions
  const auto this_disk = record.little_endian<std::uint32_t>(),
             first_disk = record.little_endian<std::uint32_t>();
  const auto here = record.little_endian<std::uint64_t>();
  Directory directory;
  directory.count = record.little_endian<std::uint64_t>();
  directory.size = record.little_endian<std::uint64_t>();
  directory.begin = record.little_endian<std::uint64_t>();
  if (this_disk != 0 || first_disk != 0 || here != directory.count) {
    record.fail_at(at, "zip64 end record: expected an archive of one disk");
  }
  begin = static_cast<std::size_t>(at);
  return directory;
}

Directory read_end(Bytes bytes, const std::string& where) {
  const std::size_t at = find_end(bytes, where);
  ByteReader reader(bytes, where, at + 4);
  const auto disk = reader.little_endian<std::uint16_t>(),
             first_disk = reader.little_endian<std::uint16_t>();
  const auto here = reader.little_endian<std::uint16_t>(),
             count = reader.little_endian<std::uint16_t>();
  const auto size = reader.little_endian<std::uint32_t>(),
             begin = reader.little_endian<std::uint32_t>();
  if (disk != 0 || first_disk != 0 || here != count)
    reader.fail_at(at, "zip end record: expected an archive of one disk");

  Directory directory{count, size, begin};
  std::size_t end = at;
  if (at >= kLocatorSize && peek<std::uint32_t>(bytes, at - kLocatorSize) == kLocatorMark) {
    directory = read_end64(bytes, at - kLocatorSize, end, where);
    if ((count != kIn64 && count != directory.count) ||
        (size != kIn64Wide && size != directory.size) ||
        (begin != kIn64Wide && begin != directory.begin)) {
      reader.fail_at(at, "the zip end record and its zip64 one disagree on the directory");
    }
  }
  // Compared by subtraction: the sum may not fit.
  if (directory.begin > end || directory.size != end - directory.begin) {
    reader.fail_at(end, "expected the zip directory to end here, got " +
                            std::to_string(directory.size) + " bytes from byte " +
                            std::to_string(directory.begin));
  }
  if (directory.count > directory.size / kRecordSize) {
    reader.fail_at(end, "zip end record: " + std::to_string(directory.count) +
                            " entries do not fit a directory of " + std::to_string(directory.size) +
                            " bytes");
  }
  return directory;
}

void check_name(std::string_view name, const std::string& where) {
  if (name.empty()) fail(where, name, "expected a name");
  const bool drive = name.size() > 2 && name[1] == ':' && name[2] == '/';
  bool parent = false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    parent = parent || name.substr(begin, end - begin) == "..";
    begin = end + 1;
  }
  if (name.front() == '/' || drive || parent || name.find('\\') != name.npos ||
      name.find('\0') != name.npos) {
    fail(where, name,
         "expected a plain relative name, got one that leads out of a folder or hides what it is");
  }
}

// Values of 0xffffffff stand in the zip64 extra field, in this order (APPNOTE.TXT 4.5.3).
void read_extra64(std::string_view extra, ZipRecord& record, const std::string& where) {
  std::uint64_t* const fields[] = {&record.size, &record.compressed, &record.header};
  if (std::none_of(std::begin(fields), std::end(fields),
                   [](const auto* field) { return *field == kIn64Wide; }))
    return;
  ByteReader reader(std::as_bytes(std::span(extra)),
                    where + ": zip entry " + quote(record.name) + ": extra field");
  while (reader.remaining() >= 4) {
    const auto id = reader.little_endian<std::uint16_t>();
    const auto size = reader.little_endian<std::uint16_t>();
    const auto content = reader.take(size);
    if (id != kExtra64) continue;
    ByteReader values(content, reader.where() + " of zip64");
    for (auto* field : fields) {
      if (*field == kIn64Wide) *field = values.little_endian<std::uint64_t>();
    }
    return;
  }
  fail(where, record.name, "a size or offset of 0xffffffff without the zip64 field that tells it");
}

ZipRecord read_record(ByteReader& reader) {
  const std::size_t at = reader.offset();
  if (reader.little_endian<std::uint32_t>() != kRecordMark)
    reader.fail_at(at, "expected a zip directory record, got other bytes");
  ZipRecord record;
  reader.take(4);  // versions
  record.flags = reader.little_endian<std::uint16_t>();
  record.method = reader.little_endian<std::uint16_t>();
  reader.take(4);  // time and date
  record.checksum = reader.little_endian<std::uint32_t>();
  record.compressed = reader.little_endian<std::uint32_t>();
  record.size = reader.little_endian<std::uint32_t>();
  const auto name = reader.little_endian<std::uint16_t>(),
             extra = reader.little_endian<std::uint16_t>();
  const auto comment = reader.little_endian<std::uint16_t>();
  reader.take(8);  // disk, attributes
  record.header = reader.little_endian<std::uint32_t>();
  record.name = reader.take_text(name);
  check_name(record.name, reader.where());
  read_extra64(reader.take_text(extra), record, reader.where());
  reader.take(comment);
  return record;
}

// Sets each record's limit; sorts by place.
void check_places(std::vector<ZipRecord>& records, std::uint64_t directory,
                  const std::string& where) {
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.header < b.header; });
  for (std::size_t i = 0; i < records.size(); ++i) {
    ZipRecord& record = records[i];
    const bool last = i + 1 == records.size();
    record.limit = last ? directory : std::min(directory, records[i + 1].header);
    const std::uint64_t front = kLocalSize + record.name.size();
    if (record.header <= record.limit && front <= record.limit - record.header &&
        record.compressed <= record.limit - record.header - front) {
      continue;
    }
    const std::string place = std::to_string(record.compressed) +
                              " bytes behind a header at byte " + std::to_string(record.header);
    if (record.limit == directory) {
      fail(
          where, record.name,
          place + " reach past byte " + std::to_string(directory) + ", where the directory begins");
    }
    fail(where, record.name,
         place + " overlap entry " + quote(records[i + 1].name) + " at byte " +
             std::to_string(record.limit));
  }
}

}  // namespace

std::vector<ZipRecord> read_zip_directory(Bytes bytes, const std::string& where) {
  const Directory directory = read_end(bytes, where);
  const auto end = static_cast<std::size_t>(directory.begin + directory.size);
  ByteReader reader(bytes.first(end), where, static_cast<std::size_t>(directory.begin));
  std::vector<ZipRecord> records;
  records.reserve(static_cast<std::size_t>(directory.count));
  for (std::uint64_t i = 0; i < directory.count; ++i) records.push_back(read_record(reader));
  if (reader.remaining() > 0) {
    reader.fail("expected the zip directory to end behind " + std::to_string(directory.count) +
                " records, got " + std::to_string(reader.remaining()) + " bytes more");
  }
  check_places(records, directory.begin, where);
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto twice =
      std::adjacent_find(records.begin(), records.end(),
                         [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twice != records.end())
    throw Error(where + ": zip entry " + quote(twice->name) + " occurs twice");
  return records;
}

Bytes zip_entry_bytes(Bytes bytes, const ZipRecord& record, const std::string& where) {
  const auto at = static_cast<std::size_t>(record.header);
  ByteReader reader(bytes.first(static_cast<std::size_t>(record.limit)), where, at);
  if (reader.little_endian<std::uint32_t>() != kLocalMark)
    reader.fail_at(at, "expected a zip local header, got other bytes");
  reader.take(2);  // version
  const auto flags = reader.little_endian<std::uint16_t>(),
             method = reader.little_endian<std::uint16_t>();
  reader.take(4);  // time and date
  const auto checksum = reader.little_endian<std::uint32_t>();
  const auto compressed = reader.little_endian<std::uint32_t>(),
             size = reader.little_endian<std::uint32_t>();
  const auto name_size = reader.little_endian<std::uint16_t>(),
             extra = reader.little_endian<std::uint16_t>();
  const auto name = reader.take_text(name_size);
  reader.take(extra);
  const auto agree = [&](bool same, const char* field, std::uint64_t local,
                         std::uint64_t directory) {
    if (same) return;
    reader.fail_at(at, std::string("the local header's ") + field + ": expected " +
                           std::to_string(directory) + " as in the directory, got " +
                           std::to_string(local));
  };
  if (name != record.name) reader.fail_at(at, "the local header's name is " + quote(name));
  agree(flags == record.flags, "flags", flags, record.flags);
  agree(method == record.method, "method", method, record.method);
  // Sizes that were not known yet stand behind the data instead, and those beyond 32 bits in the
  // extra field.
  if ((flags & kSizesFollow) == 0) {
    agree(checksum == record.checksum, "checksum", checksum, record.checksum);
    agree(compressed == kIn64Wide || compressed == record.compressed, "stored size", compressed,
          record.compressed);
    agree(size == kIn64Wide || size == record.size, "size", size, record.size);
  }
  if (record.compressed > reader.remaining()) {
    reader.fail("its " + std::to_string(record.compressed) + " bytes reach past byte " +
                std::to_string(record.limit) + ", where the next entry or the directory begins");
  }
  return reader.take(record.compressed);
}

}  // namespace sidenet
