// Damaged and hostile zip archives, a test case for each kind of file.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <ctime>

#include "formats_refused.h"
#include "zip_archive.h"

using namespace sidenet;
using namespace sidenet::testing;
using namespace sidenet::testing::opcodes;

namespace {

const std::string pickle = proto2 + good_pickle + ".";
const ZipEntry pickle_entry{"a/data.pkl", pickle};
const ZipEntry storage_entry{"a/data/0", eight_floats};
const ZipParts good_parts = zip_parts({pickle_entry, storage_entry});
const std::string good_bytes = good_parts.entries + good_parts.directory;

/// A checkpoint with `entry` beside its own.
std::string with(const ZipEntry& entry) {
  return zip_archive({pickle_entry, storage_entry, entry});
}

std::string wide(std::uint64_t value) { return little_endian(value); }

/// A zip64 extra field.
std::string extra64(const std::vector<std::uint64_t>& values) {
  std::string field = little_endian<std::uint16_t>(1) +
                      little_endian(static_cast<std::uint16_t>(8 * values.size()));
  for (const std::uint64_t value : values) field += wide(value);
  return field;
}

/// The good entries behind a zip64 end record.
std::string with_end64(std::uint64_t count, std::uint64_t size, std::uint64_t begin,
                       std::int64_t locate = -1, std::uint64_t record_size = 44) {
  const std::uint64_t at = locate < 0 ? good_bytes.size() : static_cast<std::uint64_t>(locate);
  return good_bytes + "PK\x06\x06" + wide(record_size) + std::string("\x2d\0\x2d\0", 4) +
         std::string(8, '\0') + wide(count) + wide(count) + wide(size) + wide(begin) +
         "PK\x06\x07" + std::string(4, '\0') + wide(at) + std::string("\1\0\0\0", 4) +
         zip_end(0xffff, 0xffffffff, 0xffffffff);
}

/// CPU time, which other programs do not change.
double seconds(const std::string& file, const std::string& words) {
  const std::clock_t start = std::clock();
  check_refused(file, words);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("zip: bad magic") {
  check_refused("PK\x05\x06" + good_zip.substr(4),
                "expected a PyTorch (zip or legacy) or safetensors checkpoint");
  check_refused("PK\x03\x05" + good_zip.substr(4),
                "expected a PyTorch (zip or legacy) or safetensors checkpoint");
  std::string local = good_zip;
  local[local.find("PK\x03\x04", 4)] = 'Q';
  check_refused(local, "zip entry \"a/data/0\": byte 235: expected a zip local header");
  std::string record = good_zip;
  record[record.find("PK\x01\x02")] = 'Q';
  check_refused(record, "expected a zip directory record");
}

TEST_CASE("zip: truncated at every byte") {
  for (std::size_t size = 0; size < good_zip.size(); ++size)
    CHECK(error_of(good_zip.substr(0, size)) != "");
}

TEST_CASE("zip: offsets past the end") {
  for (const std::int64_t offset : {0x7ffffff0ll, 0xfffffffell, 10000ll}) {
    check_refused(with({"x", "data", 0, -1, -1, offset}),
                  "zip entry \"x\": 4 bytes behind a header at byte");
  }
  check_refused(good_bytes + zip_end(2, good_parts.directory.size(), 0x7fffffff),
                "expected the zip directory to end here");
  check_refused(good_bytes + zip_end(2, 0x7fffffff, good_parts.entries.size()),
                "expected the zip directory to end here");
  check_refused(with({"x", "data", 0, 4000, 4000}), "zip entry \"x\": 4000 bytes");
}

TEST_CASE("zip: entries that overlap") {
  check_refused(with({"x", "", 0, 0, 0, 0}), "overlap entry");
  check_refused(with({"x", "", 0, 0, 0, 10}), "overlap entry");
  check_refused(zip_archive({{"a/data.pkl", pickle, 0, 500, 500}, storage_entry}),
                "overlap entry \"a/data/0\"");
  // By its local header's longer name alone.
  check_refused(
      zip_archive(
          {pickle_entry, {"a/data/0", eight_floats, 0, -1, -1, -1, 0, "", "a/data/0 and more"}}),
      "the local header's name is \"a/data/0 and more\"");
}

TEST_CASE("zip: sizes that overflow") {
  const ZipEntry entry{"x", "data", 0, 0xffffffff, 0xffffffff, -1, 0, extra64({~0ull, ~0ull})};
  check_refused(with(entry), "zip entry \"x\": 18446744073709551615 bytes");
  check_refused(with({"x", "data", 0, -1, -1, 0xffffffff, 0, extra64({~0ull})}),
                "zip entry \"x\": 4 bytes behind a header");
  check_refused(with({"x", "data", 0, 0xffffffff, 0xffffffff, -1, 0,
                      extra64({1ull << 63, (1ull << 63) - 1})}),
                "zip entry \"x\"");
  check_refused(zip_archive({{"a/data.pkl", pickle, 8, 0xffffffff, -1, -1, 0, extra64({~0ull})}}),
                "deflated bytes cannot give");
}

TEST_CASE("zip: a bomb of one entry") {
  const std::string zeros(std::size_t{256} << 20, '\0');
  const std::string weights =
      dict({{"x", tensor(storage("FloatStorage", "0", 1 << 26), 0, {1}, {1})}});
  check_refused(zip_archive({{"a/data.pkl", proto2 + weights + "."}, {"a/data/0", zeros, 8}}),
                "zip entry \"a/data/0\": inflating it takes 268435584 bytes of memory");
  check_refused(zip_archive({{"a/data.pkl", zeros.substr(0, 50 << 20), 8}}),
                "zip entry \"a/data.pkl\": inflating it takes");
  check_refused(zip_archive({{"a/data.pkl", pickle, 8, 1 << 30}}),
                "deflated bytes cannot give 1073741824");
}

TEST_CASE("zip: a bomb of many entries") {
  std::vector<ZipEntry> entries;
  const std::string zeros(std::size_t{4} << 20, '\0');
  for (int i = 0; i < 40; ++i) entries.push_back({std::to_string(i), zeros, 8});
  const Bytes bytes(zip_archive(entries));
  ++tried_files;
  ZipArchive archive(bytes.span(), nullptr, "file");
  std::size_t total = 0;
  for (const std::string& name : archive.names()) {
    try {
      total += archive.read(name, "file").bytes.size();
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find("bytes of memory") != std::string::npos);
    }
  }
  CHECK(total >= zeros.size());
  CHECK(total <= 2 * bytes.size + (40u << 20));
}

TEST_CASE("zip: many entries over one body") {
  std::vector<ZipEntry> entries{{"zeros", std::string(1 << 20, '\0'), 8}};
  const auto stored = static_cast<std::int64_t>(raw_deflate(entries[0].data).size());
  for (int i = 0; i < 40; ++i)
    entries.push_back({"zeros" + std::to_string(i), "", 8, 1 << 20, stored, 0});
  check_refused("PK\x03\x04" + zip_archive(entries).substr(4), "overlap entry");
}

TEST_CASE("zip: a zip within is bytes as any others") {
  CHECK(error_of(with({"nested.zip", good_zip})) == "");
  check_refused(zip_archive({{"a/data.pkl", good_zip}}), "expected a pickle opcode");
}

TEST_CASE("zip: names that occur twice") {
  check_refused(with({"a/data/0", eight_floats}), "zip entry \"a/data/0\" occurs twice");
  check_refused(with({"a/data.pkl", pickle}), "zip entry \"a/data.pkl\" occurs twice");
  check_refused(with({"b/data.pkl", pickle}),
                "expected one entry data.pkl, got \"a/data.pkl\" and \"b/data.pkl\"");
}

TEST_CASE("zip: names that lead out of a folder") {
  using namespace std::string_literals;
  for (const std::string& name : {"../x"s, "a/../../x"s, ".."s, "a/.."s, "/etc/passwd"s, "/"s,
                                  "C:/x"s, "C:\\x"s, "a\\..\\x"s, "a/data/1\0.txt"s, "\0"s}) {
    CAPTURE(name);
    check_refused(with({name, "x"}), "expected a plain relative name");
  }
  check_refused(with({"", "x"}), "zip entry \"\": expected a name");
  for (const char* name : {"...", "a..b/..c", "a/b/c/", "c:x"})
    CHECK(error_of(with({name, ""})) == "");
}

TEST_CASE("zip64: counts of 2^64 - 1") {
  check_refused(with_end64(~0ull, good_parts.directory.size(), good_parts.entries.size()),
                "18446744073709551615 entries do not fit a directory");
  check_refused(with_end64(3, good_parts.directory.size(), good_parts.entries.size()),
                "entries do not fit");
  check_refused(with_end64(1, good_parts.directory.size(), good_parts.entries.size()),
                "to end behind 1 records");
  check_refused(with_end64(2, ~0ull, good_parts.entries.size()),
                "expected the zip directory to end here");
  check_refused(with_end64(2, good_parts.directory.size(), ~0ull),
                "expected the zip directory to end here");
}

TEST_CASE("zip64: sizes of 0xffffffff with and without their field") {
  const auto sized = [](const std::string& extra) {
    return with({"x", "data", 0, 0xffffffff, 0xffffffff, -1, 0, extra});
  };
  CHECK(error_of(sized(extra64({4, 4}))) == "");
  check_refused(sized(""),
                "zip entry \"x\": a size or offset of 0xffffffff without the zip64 field");
  check_refused(sized(std::string("\x02\0\x01\0z", 5)), "without the zip64 field");
  check_refused(sized(extra64({4})), "extra field of zip64: byte 8: truncated");
  check_refused(sized(std::string("\x01\0\xff\xff", 4)), "extra field: byte 4: truncated");
}

TEST_CASE("zip64: a locator that points elsewhere") {
  const auto located = [](std::int64_t at) {
    return with_end64(2, good_parts.directory.size(), good_parts.entries.size(), at);
  };
  check_refused(located(0x7fffffffffffffff),
                "expected a zip64 end record of 56 bytes or more before this locator");
  check_refused(located(static_cast<std::int64_t>(good_bytes.size()) + 1),
                "expected a zip64 end record");
  check_refused(located(0), "expected a zip64 end record, got other bytes");
  check_refused(with_end64(2, good_parts.directory.size(), good_parts.entries.size(), -1, ~0ull),
                "zip64 end record: expected a size of 44, got 18446744073709551615");
}

TEST_CASE("zip64: an honest file is read") {
  CHECK(error_of(with_end64(2, good_parts.directory.size(), good_parts.entries.size())) == "");
}

TEST_CASE("zip: end records that disagree") {
  std::string file = with_end64(2, good_parts.directory.size(), good_parts.entries.size());
  file.replace(file.size() - 14, 4, std::string("\x07\0\x07\0", 4));
  check_refused(file, "the zip end record and its zip64 one disagree");
  file = good_zip;
  file.replace(file.size() - 18, 2, std::string("\x01\0", 2));
  check_refused(file, "expected an archive of one disk");
}

TEST_CASE("zip: encrypted entries") {
  for (const std::uint16_t flags : {0x1, 0x41, 0x2001}) {
    check_refused(zip_archive({{"a/data.pkl", pickle, 0, -1, -1, -1, flags}}),
                  "expected a plain entry, got an encrypted one");
  }
}

TEST_CASE("zip: a local header that disagrees with the directory") {
  const std::size_t at = good_zip.find("PK\x03\x04", 4);
  const auto changed = [&](std::size_t field, char value, const std::string& words) {
    std::string file = good_zip;
    file[at + field] = value;
    check_refused(file, "zip entry \"a/data/0\": byte " + std::to_string(at) +
                            ": the local header's " + words);
  };
  changed(6, '\x08', "flags: expected 0 as in the directory, got 8");
  changed(8, '\x08', "method: expected 0 as in the directory, got 8");
  changed(14, '\x77', "checksum: expected");
  changed(18, '\x05', "stored size: expected 32 as in the directory, got 5");
  changed(22, '\x05', "size: expected 32 as in the directory, got 5");
  changed(30, 'b', "name is \"b/data/0\"");
  std::string longer = good_zip;
  longer[at + 28] = '\x20';
  check_refused(longer, "zip entry \"a/data/0\"");
}

TEST_CASE("zip: a comment with a fake end record") {
  const auto size = good_parts.directory.size(), begin = good_parts.entries.size();
  CHECK(error_of(good_bytes + zip_end(2, size, begin, "a comment")) == "");
  const std::string fake = zip_end(0, 0, 0);
  check_refused(good_bytes + zip_end(2, size, begin, fake),
                "expected one zip end record, got two that fit");
  check_refused(good_bytes + zip_end(2, size, begin) + "more", "none of its end records");
  CHECK(error_of(good_bytes + zip_end(2, size, begin, fake + "more")) == "");  // fits no end
}

TEST_CASE("zip: thousands of end records over one directory are refused at once") {
  std::string records;
  for (int i = 0; i < 20000; ++i) records += zip_parts({{std::to_string(i), ""}}).directory;
  std::string file = "PK\x03\x04" + records;
  for (int i = 0; i < 2900; ++i) file += zip_end(20000, records.size(), 4);
  CHECK(seconds(file, "expected the zip directory to end here") < 2);
}

TEST_CASE("zip: a hundred thousand empty entries") {
  ZipParts parts;
  for (int i = 0; i < 100000; ++i) {
    const ZipParts one = zip_parts(
        {{std::to_string(i), "", 0, -1, -1, static_cast<std::int64_t>(parts.entries.size())}});
    parts.entries += one.entries;
    parts.directory += one.directory;
  }
  const std::uint64_t at = parts.entries.size() + parts.directory.size();
  const std::string file = parts.entries + parts.directory + "PK\x06\x06" + wide(44) +
                           std::string(12, '\0') + wide(100000) + wide(100000) +
                           wide(parts.directory.size()) + wide(parts.entries.size()) +
                           "PK\x06\x07" + std::string(4, '\0') + wide(at) +
                           std::string("\1\0\0\0", 4) + zip_end(~0u, ~0u, ~0u);
  CHECK(seconds(file, "got a zip archive of 100000 entries without data.pkl") < 2);
}

TEST_CASE("zip: deflated entries that are broken") {
  const auto size = static_cast<std::int64_t>(pickle.size());
  check_refused(zip_archive({{"a/data.pkl", pickle, 8, size - 1}}), "holds more than the");
  check_refused(zip_archive({{"a/data.pkl", pickle, 8, size + 1}}),
                "expected " + std::to_string(size + 1) + " bytes, got");
  const auto stored = static_cast<std::int64_t>(raw_deflate(pickle).size());
  check_refused(zip_archive({{"a/data.pkl", pickle, 8, -1, stored - 1}}),
                "its deflated bytes end too early");
  std::string file = zip_archive({{"a/data.pkl", pickle, 8}});
  for (const std::size_t header : {file.find("PK\x03\x04") + 14, file.find("PK\x01\x02") + 16})
    file[header] = 'x';
  check_refused(file, "zip entry \"a/data.pkl\": its checksum: expected");
  CHECK(error_of(zip_archive({{"a/data.pkl", pickle, 8}, {"a/data/0", eight_floats, 8}})) == "");
}

TEST_CASE("zip: compression methods that are not read, and stored sizes that differ") {
  for (const std::uint16_t method : {1, 9, 12, 14, 93, 99, 65535}) {
    check_refused(zip_archive({{"a/data.pkl", pickle, method}}),
                  "expected stored or deflated, got compression method");
  }
  check_refused(zip_archive({{"a/data.pkl", pickle, 0, 1 << 30}}), "stored, but");
}

TEST_CASE("PyTorch zip: no pickle, TorchScript, big-endian") {
  check_refused(zip_archive({{"x", "y"}}), "without data.pkl");
  check_refused(zip_archive({{"a/b/data.pkl", pickle}}), "without data.pkl");
  check_refused(with({"a/constants.pkl", ""}), "got a TorchScript archive");
  check_refused(with({"a/byteorder", "big"}),
                "zip entry \"a/byteorder\": expected byteorder \"little\", got \"big\"");
  CHECK(error_of(with({"a/byteorder", "little"})) == "");
}
