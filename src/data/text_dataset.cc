#include "text_dataset.h"

#include <algorithm>
#include <limits>
#include <map>

#include "class_names.h"
#include "column_names.h"
#include "row_index.h"
#include "sidenet/error.h"
#include "text_columns.h"
#include "text_encoding.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

void check_utf8(const TextFile& file) {
  const std::string_view bytes = file.bytes();
  const std::size_t valid = valid_utf8_prefix(bytes);
  if (valid == bytes.size()) return;
  const std::string_view before = bytes.substr(0, valid);
  const std::size_t line_begin = before.rfind('\n') + 1;  // 0 where there is none: npos + 1
  throw Error(Place{file.file.name, 1 + std::count(before.begin(), before.end(), '\n')}.str() +
              ": invalid UTF-8 at byte " + std::to_string(valid - line_begin + 1) +
              " of the line; give --encoding latin-1 if it is Latin-1");
}

void set_encoding(std::vector<TextFile>& files, TextEncoding encoding) {
  for (TextFile& file : files) {
    file.latin1 = encoding == TextEncoding::latin1;
    if (!file.latin1) check_utf8(file);
  }
}

class TextDataset : public Dataset {
 public:
  TextDataset(std::vector<TextFile> files, const TextColumns& columns, bool labelled)
      : files_(std::move(files)), labelled_(labelled) {
    set_encoding(files_, columns.encoding);
    choice_ = choose_columns(files_[0], columns, labelled);
    if (files_[0].format == TextFormat::jsonl) files_[0].keys.keep(choice_.columns());
    if (!choice_.note.empty()) notes_.push_back(choice_.note);
    for (TextFile& file : files_) {
      if (file.format != files_[0].format) {
        throw Error(printable(file.file.name) + ": expected the format of " +
                    printable(files_[0].file.name) + ", got another");
      }
      file.columns = files_[0].columns;
      file.keys = files_[0].keys;
      read_rows(file);
      ends_.push_back(rows());
    }
    if (rows() == 0)
      throw Error(printable(files_[0].file.name) + ": expected rows, got a header alone");
    if (labelled_) sort_classes();
  }

  Kind kind() const override { return Kind::texts; }
  const std::vector<std::string>& notes() const override { return notes_; }
  std::int64_t rows() const override { return index_.rows(); }
  int label(std::int64_t row) const override { return index_.label(row); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string name(std::int64_t row) const override {
    return printable(base_name(file_of(row).file.name)) + ":" + std::to_string(index_.line(row));
  }
  Text text(std::int64_t row) const override {
    const TextFile& file = file_of(row);
    RecordReader reader(file, index_.begin(row), index_.line(row));
    Record record;
    // False only where the file has changed since.
    if (!reader.next(record))
      throw Error(name(row) + ": expected a record, got the end of the file");
    return text_of(file, record);
  }

 private:
  const TextFile& file_of(std::int64_t row) const {
    return files_.at(static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), row) -
                                              ends_.begin()));
  }

  void read_rows(const TextFile& file) {
    RecordReader reader(file);
    Record record;
    if (choice_.has_header) reader.next(record);
    if (&file != &files_[0]) check_header(file);
    constexpr std::uint64_t kStep = std::uint64_t{4} << 20;
    release_pages(file, 0, file.bytes().size());
    std::uint64_t released = 0;
    while (reader.next(record)) {
      text_of(file, record);  // for its checks
      if (record.line > std::numeric_limits<std::uint32_t>::max()) {
        throw Error(Place{file.file.name, record.line}.str() + ": expected fewer lines");
      }
      index_.add(record.begin, static_cast<std::uint32_t>(record.line), class_of(file, record));
      if (record.begin - released >= kStep) released = release_pages(file, released, record.begin);
      check_memory(file, record);
    }
    release_pages(file, released, file.bytes().size());
  }

  // They are read again where a row is wanted.
  static std::uint64_t release_pages(const TextFile& file, std::uint64_t begin, std::uint64_t end) {
    const std::span<const std::byte> bytes = file.file.bytes;
    if (file.file.storage != nullptr) file.file.storage->release(bytes.data() + begin, end - begin);
    return end;
  }

  // An unpacked file lies in memory itself. A plain one's rows take at most 2.5 times its size.
  void check_memory(const TextFile& file, const Record& record) const {
    constexpr std::uint64_t kFree = std::uint64_t{60} << 20;
    const std::uint64_t packed = file.file.packed_bytes;
    if (packed == 0 ||
        file.bytes().size() + RowIndex::kRowBytes * static_cast<std::uint64_t>(rows()) <
            3 * packed + kFree)
      return;
    throw Error(Place{file.file.name, record.line}.str() + ": expected fewer rows from " +
                std::to_string(packed) + " packed bytes, got " + std::to_string(rows()) +
                " up to here: unpack it with gunzip if it is honest");
  }

  // The first file decides whether there is one.
  void check_header(const TextFile& file) const {
    Record record;
    if (file.format == TextFormat::jsonl || file.format == TextFormat::trec ||
        !RecordReader(file).next(record))
      return;
    const bool is_same = std::equal(
        record.cells.begin(), record.cells.end(), choice_.names.begin(), choice_.names.end(),
        [](const Cell& cell, const std::string& name) { return trimmed(cell.text) == name; });
    if (choice_.has_header ? is_same : !looks_like_header(record)) return;
    throw Error(Place{file.file.name, record.line}.str() + ": expected " +
                (choice_.has_header ? "the header of " : "no header, as in ") +
                printable(files_[0].file.name) + ", got a line that starts with " +
                excerpt(record.cells[0].text));
  }

  std::string where(const TextFile& file, const Record& record, std::size_t column) const {
    const char* kind = file.format == TextFormat::jsonl ? ": key " : ": column ";
    return Place{file.file.name, record.line}.str() + kind + choice_.shown(column);
  }

  const std::string& cell_of(const TextFile& file, const Record& record, std::size_t column) const {
    const Cell& cell = record.cells.at(column);
    if (cell.problem != nullptr) {
      throw Error(where(file, record, column) + ": expected a string, number or boolean, got " +
                  cell.problem);
    }
    return cell.text;
  }

  Text text_of(const TextFile& file, const Record& record) const {
    Text text;
    for (const std::size_t column : choice_.text) {
      if (column != choice_.text[0]) text.first += ' ';
      text.first += cell_of(file, record, column);
    }
    if (choice_.pair) text.second = cell_of(file, record, *choice_.pair);
    if (trimmed(text.first).empty() || (text.second && trimmed(*text.second).empty())) {
      throw Error(Place{file.file.name, record.line}.str() + ": empty text");
    }
    return text;
  }

  int class_of(const TextFile& file, const Record& record) {
    if (!labelled_) return 0;
    const std::size_t column = choice_.label.value();
    const std::string_view name = trimmed(cell_of(file, record, column));
    if (name.empty()) throw Error(where(file, record, column) + ": expected a label, got none");
    const auto found = classes_.find(name);
    if (found != classes_.end()) return found->second;
    if (class_names_.size() == RowIndex::kMaxClasses) {
      throw Error(where(file, record, column) + ": expected at most " +
                  std::to_string(RowIndex::kMaxClasses) + " classes, got more");
    }
    const int index = static_cast<int>(class_names_.size());
    classes_.emplace(name, index);
    class_names_.emplace_back(name);
    return index;
  }

  // Up to here classes are numbered as they come.
  void sort_classes() {
    const std::vector<std::size_t> order = sorted_order(class_names_);
    std::vector<int> rank(order.size());
    std::vector<std::string> sorted;
    for (const std::size_t index : order) {
      rank[index] = static_cast<int>(sorted.size());
      sorted.push_back(std::move(class_names_[index]));
    }
    class_names_ = std::move(sorted);
    index_.rename_classes(rank);
    classes_.clear();
  }

  std::vector<TextFile> files_;
  bool labelled_;
  ColumnChoice choice_;
  std::vector<std::string> notes_, class_names_;
  std::map<std::string, int, std::less<>> classes_;  // while reading
  std::vector<std::int64_t> ends_;                   // rows up to the end of each file
  RowIndex index_;
};

}  // namespace

std::shared_ptr<const Dataset> text_dataset(std::vector<TextFile> files, const TextColumns& columns,
                                            bool labelled) {
  if (files.empty()) throw Error("data: expected a file of texts, got none");
  return std::make_shared<TextDataset>(std::move(files), columns, labelled);
}

}  // namespace sidenet
