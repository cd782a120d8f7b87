#include "known_format.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <utility>

#include "file_bytes.h"
#include "sidenet/dataset.h"
#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  KnownFormat format;
};

constexpr const char *kUtf8 = "write it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > NEW",
                     *kLittle = "write it as UTF-8: iconv -f UTF-16LE -t UTF-8 FILE > NEW",
                     *kBig = "write it as UTF-8: iconv -f UTF-16BE -t UTF-8 FILE > NEW";
constexpr const char* kExcel =
    "write CSV, in Python: pandas.read_excel('FILE').to_csv('new.csv', index=False)";
constexpr const char* kZip = "unzip it first";
constexpr const char* kUnpack = "unpack it first";
constexpr const char* kTable = "write its table as CSV or JSON lines";

// The longer ones first where one begins another.
constexpr std::array kMagics{
    Magic{"PAR1"sv,
          {"Parquet",
           "write CSV, in Python: pandas.read_parquet('FILE').to_csv('new.csv', index=False)"}},
    Magic{"ARROW1"sv,
          {"Arrow",
           "write CSV, in Python: pandas.read_feather('FILE').to_csv('new.csv', index=False)"}},
    Magic{"FEA1"sv,
          {"Feather",
           "write CSV, in Python: pandas.read_feather('FILE').to_csv('new.csv', index=False)"}},
    Magic{"\xff\xff\xff\xff"sv,
          {"an Arrow stream",
           "write CSV, in Python: datasets.Dataset.from_file('FILE').to_csv('new.csv')"}},
    Magic{"\xff\xfe\0\0"sv, {"UTF-32", "write it as UTF-8: iconv -f UTF-32 -t UTF-8 FILE > NEW"}},
    Magic{"\xff\xfe"sv, {"UTF-16", kUtf8}},
    Magic{"\xfe\xff"sv, {"UTF-16", kUtf8}},
    Magic{"PK\3\4"sv, {"a zip file", kZip}},
    Magic{"\xd0\xcf\x11\xe0"sv, {"an old Office file", kExcel}},
    Magic{"\x93NUMPY"sv, {"a NumPy array", kTable}},
    Magic{"\x89HDF"sv, {"HDF5", kTable}},
    Magic{"SQLite format 3"sv, {"SQLite", kTable}},
    Magic{"BZh"sv, {"a bzip2 file", kUnpack}},
    Magic{"\xfd\x37zXZ"sv, {"an xz file", kUnpack}},
    Magic{"\x28\xb5\x2f\xfd"sv, {"a Zstandard file", kUnpack}},
    Magic{"7z\xbc\xaf"sv, {"a 7-Zip file", kUnpack}},
    Magic{"Rar!"sv, {"a RAR file", kUnpack}},
    Magic{"%PDF"sv, {"PDF", kTable}},
};

bool is_pickle(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5 &&
         bytes.back() == '.';
}

bool is_office(std::string_view bytes, const std::string& extension) {
  return extension == ".xlsx" || extension == ".ods" || extension == ".xlsm" ||
         bytes.substr(0, 64).find("[Content_Types].xml") != std::string_view::npos;
}

// Without a mark, of ASCII texts: every other byte is zero. Of names that say text alone: pixels
// may be so too. What to do; null: it is none.
const char* advice_on_utf16(std::string_view bytes) {
  const std::string_view start = bytes.substr(0, 4096);
  std::array<std::size_t, 2> zeros{};
  for (std::size_t i = 0; i < start.size(); ++i) zeros[i % 2] += start[i] == '\0' ? 1 : 0;
  const auto [less, more] = std::minmax(zeros[0], zeros[1]);
  if (start.size() < 8 || less != 0 || 4 * more < start.size()) return nullptr;
  return zeros[1] > zeros[0] ? kLittle : kBig;
}

constexpr std::array kTextNames{std::pair{".csv"sv, "CSV"}, std::pair{".tsv"sv, "TSV"},
                                std::pair{".jsonl"sv, "JSON lines"},
                                std::pair{".ndjson"sv, "JSON lines"}, std::pair{".json"sv, "JSON"}};

const char* text_name(const std::string& extension) {
  for (const auto& [known, name] : kTextNames) {
    if (extension == known) return name;
  }
  return nullptr;
}

}  // namespace

std::string text_extension(const std::string& path) {
  std::filesystem::path name(lower_ascii(path));
  if (name.extension() == ".gz") name.replace_extension();
  return name.extension().string();
}

KnownFormat known_format(std::string_view bytes, const std::string& path) {
  const std::string extension = text_extension(path);
  if (is_pickle(bytes)) {
    return {"a pickle",
            "it is never executed here: write CSV where it was made, with "
            "DataFrame.to_csv(…, index=False)"};
  }
  for (const Magic& magic : kMagics) {
    if (!bytes.starts_with(magic.bytes)) continue;
    if (magic.format.advice == kZip && is_office(bytes, extension))
      return {"a spreadsheet", kExcel};
    return magic.format;
  }
  if (extension == ".txt" || text_name(extension) != nullptr) {
    if (const char* advice = advice_on_utf16(bytes))
      return {"UTF-16 without a byte order mark", advice};
  }
  return {nullptr, nullptr};
}

void refuse_known_format(std::string_view bytes, const std::string& path) {
  const KnownFormat format = known_format(bytes, path);
  if (format.name == nullptr) return;
  std::string advice = format.advice;
  if (const std::size_t file = advice.find("FILE"); file != std::string::npos)
    advice.replace(file, 4, printable(base_name(path)));
  throw Error(printable(path) + ": expected images or texts, got " + format.name + ": " + advice);
}

std::string Dataset::format(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return "";  // a FIFO would hold us up
  std::ifstream file(path, std::ios::binary);
  std::string start(4096, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  const char* text = text_name(text_extension(path));
  if (start.starts_with("\x1f\x8b")) return text != nullptr ? text : "a gzip file";
  const KnownFormat known = known_format(start, path);
  return known.name != nullptr ? known.name : text != nullptr ? text : "";
}

}  // namespace sidenet
