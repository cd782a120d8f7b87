#include <zlib.h>

#include <array>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "atomic_file.h"
#include "file_bytes.h"
#include "known_format.h"
#include "sidenet/error.h"
#include "sidenet/text_table.h"
#include "text_encoding.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

/// Deflates, as gzip (RFC 1952) without a name or a time: the same rows give the same bytes.
class Packer {
 public:
  explicit Packer(const std::string& name) {
    constexpr int kLevel = 6, kGzip = 16 + MAX_WBITS, kMemory = 8;
    if (::deflateInit2(&stream_, kLevel, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
      throw Error(name + ": gzip: out of memory");
  }
  ~Packer() { ::deflateEnd(&stream_); }
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  /// `bytes` fit in 32 bits.
  void write(std::string_view bytes, bool is_end, AtomicFile& file) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(packed_.data());
      stream_.avail_out = static_cast<uInt>(packed_.size());
      ::deflate(&stream_, is_end ? Z_FINISH : Z_NO_FLUSH);
      file.write(std::as_bytes(std::span(packed_.data(), packed_.size() - stream_.avail_out)));
    } while (stream_.avail_out == 0);
  }

 private:
  z_stream stream_{};
  std::array<char, 65536> packed_;
};

void append_json(std::string_view text, std::string& line) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  line += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (byte < ' ') {
      line += "\\u00";
      line += kDigits[byte >> 4];
      line += kDigits[byte & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

void append_quoted(const std::string& text, char delimiter, std::string& line) {
  const std::array<char, 5> special{delimiter, '"', '\n', '\r', '\0'};
  if (text.find_first_of(special.data()) == std::string::npos) {
    line += text;
    return;
  }
  line += '"';
  for (const char c : text) {
    if (c == '"') line += c;
    line += c;
  }
  line += '"';
}

/// Bytes that are not UTF-8 become U+FFFD.
std::string valid(std::string text) {
  for (std::size_t at = valid_utf8_prefix(text); at < text.size();) {
    text.replace(at, 1, "\xef\xbf\xbd");
    at += 3;
    at += valid_utf8_prefix(std::string_view(text).substr(at));
  }
  return text;
}

// JSON's keys differ.
void check_keys(const std::string& path, const std::vector<std::string>& columns) {
  std::set<std::string> known;
  for (const std::string& name : columns) {
    if (!known.insert(name).second)
      throw Error(printable(path) + ": two columns are called '" + printable(name) +
                  "': expected names that differ, as JSON's keys must; -o FILE.csv takes them all");
  }
}

bool is_packed(const std::string& path) { return lower_ascii(path).ends_with(".gz"); }

}  // namespace

struct TableWriter::File {
  File(const std::string& path, std::vector<std::string> names)
      : file(path), columns(std::move(names)), is_json(TableWriter::is_json(path)) {
    delimiter = text_extension(path) == ".tsv" ? '\t' : ',';
    if (is_packed(path)) packer.emplace(path);
  }

  void write_cells(const std::vector<TableCell>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) block += delimiter;
      append_quoted(valid(cells[i].text), delimiter, block);
    }
    block += '\n';
  }

  void write_object(const std::vector<TableCell>& cells) {
    block += '{';
    bool is_first = true;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const TableCell& cell = cells[i];
      if (cell.is_absent) continue;
      if (!std::exchange(is_first, false)) block += ", ";
      append_json(columns[i], block);
      block += ": ";
      if (!cell.json.empty()) {
        block += cell.json;
      } else if (cell.text.empty()) {
        block += "null";
      } else {
        append_json(valid(cell.text), block);
      }
    }
    block += "}\n";
  }

  void flush(bool is_end) {
    if (packer) {
      packer->write(block, is_end, file);
    } else {
      file.write(block);
    }
    block.clear();
  }

  AtomicFile file;
  std::vector<std::string> columns;
  bool is_json;
  char delimiter;
  std::optional<Packer> packer = {};
  std::string block = {};
};

TableWriter::TableWriter(const std::string& path, const std::vector<std::string>& columns) {
  if (!has_name(path)) {
    throw Error(printable(path) +
                ": expected a name that ends with .csv, .tsv or .jsonl (and .gz behind it)");
  }
  if (is_json(path)) check_keys(path, columns);
  file_ = std::make_unique<File>(path, columns);
  if (file_->is_json) return;
  std::vector<TableCell> header;
  for (const std::string& name : columns) header.push_back({name, "", false});
  file_->write_cells(header);
}

TableWriter::~TableWriter() = default;

bool TableWriter::has_name(const std::string& path) {
  const std::string extension = text_extension(path);
  return extension == ".csv" || extension == ".tsv" || is_json(path);
}

bool TableWriter::is_json(const std::string& path) {
  const std::string extension = text_extension(path);
  return extension == ".jsonl" || extension == ".ndjson";
}

void TableWriter::write(const std::vector<TableCell>& cells) {
  constexpr std::size_t kBlock = std::size_t{1} << 18;
  if (cells.size() != file_->columns.size()) {
    throw Error("table: expected " + std::to_string(file_->columns.size()) + " cells, got " +
                std::to_string(cells.size()));
  }
  file_->is_json ? file_->write_object(cells) : file_->write_cells(cells);
  if (file_->block.size() >= kBlock) file_->flush(false);
}

void TableWriter::commit() {
  file_->flush(true);
  file_->file.commit();
}

}  // namespace sidenet
