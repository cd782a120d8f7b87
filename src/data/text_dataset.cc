#include "text_dataset.h"

#include <algorithm>
#include <limits>
#include <map>

#include "class_names.h"
#include "column_names.h"
#include "row_index.h"
#include "sidenet/error.h"
#include "text_cells.h"
#include "text_columns.h"
#include "text_encoding.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

/// Bytes in front of the first that is not in the file's encoding.
std::size_t valid_prefix(const TextFile& file) {
  switch (file.encoding) {
    case TextEncoding::latin1: return valid_latin1_prefix(file.bytes());
    case TextEncoding::windows1252: return valid_windows1252_prefix(file.bytes());
    default: return valid_utf8_prefix(file.bytes());
  }
}

void check_encoding(const TextFile& file) {
  const std::string_view bytes = file.bytes();
  const std::size_t valid = valid_prefix(file);
  if (valid == bytes.size()) return;
  const std::string_view before = bytes.substr(0, valid);
  const std::size_t line_begin = before.rfind('\n') + 1;  // 0 where there is none: npos + 1
  const std::string at =
      Place{file.file.name, 1 + std::count(before.begin(), before.end(), '\n')}.str();
  const std::string byte = " at byte " + std::to_string(valid - line_begin + 1) + " of the line";
  if (file.encoding == TextEncoding::utf8) {
    throw Error(at + ": invalid UTF-8" + byte +
                "; give --encoding latin-1 or windows-1252 if it is one of them");
  }
  if (file.encoding == TextEncoding::windows1252)
    throw Error(at + ": expected Windows-1252, got a byte that it has no character for" + byte);
  throw Error(at + ": expected Latin-1, got a control character (0x80 to 0x9F)" + byte +
              "; give --encoding windows-1252, which has quotes and dashes there");
}

void set_encoding(std::vector<TextFile>& files, TextEncoding encoding) {
  for (TextFile& file : files) {
    file.encoding = encoding;
    check_encoding(file);
  }
}

/// A row without a text or a label: left out, or counted and refused.
struct EmptyRows {
  std::int64_t rows = 0;
  std::string first;  ///< where, and what is missing
};

class TextDataset : public Dataset {
 public:
  TextDataset(std::vector<TextFile> files, const TextColumns& columns, bool labelled)
      : files_(std::move(files)), labelled_(labelled) {
    set_encoding(files_, columns.encoding);
    settle_cells(files_, columns.quotes);
    choice_ = choose_columns(files_[0], columns, labelled);
    if (files_[0].format == TextFormat::jsonl) files_[0].keys.keep(choice_.columns());
    if (!choice_.note.empty()) notes_.push_back(choice_.note);
    for (TextFile& file : files_) {
      if (file.format != files_[0].format || file.cell_end() != files_[0].cell_end()) {
        throw Error(printable(file.file.name) + ": expected the format of " +
                    printable(files_[0].file.name) + ", got another");
      }
      file.columns = files_[0].columns;
      file.keys = files_[0].keys;
      read_rows(file);
      ends_.push_back(rows());
    }
    tell_empty(columns.drop_empty);
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
      refuse_header_again(file, record);
      if (record.line > std::numeric_limits<std::uint32_t>::max()) {
        throw Error(Place{file.file.name, record.line}.str() + ": expected fewer lines");
      }
      if (is_whole(file, record))
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
    if (choice_.has_header ? is_header(record) : !looks_like_header(record)) return;
    throw Error(Place{file.file.name, record.line}.str() + ": expected " +
                (choice_.has_header ? "the header of " : "no header, as in ") +
                printable(files_[0].file.name) + ", got a line that starts with " +
                excerpt(record.cells[0].text));
  }

  bool is_header(const Record& record) const {
    return std::equal(
        record.cells.begin(), record.cells.end(), choice_.names.begin(), choice_.names.end(),
        [](const Cell& cell, const std::string& name) { return trimmed(cell.text) == name; });
  }

  // Files are joined with their headers, and pandas appends with one by default.
  void refuse_header_again(const TextFile& file, const Record& record) const {
    if (!choice_.has_header || !is_header(record)) return;
    throw Error(Place{file.file.name, record.line}.str() +
                ": expected a row, got the header again: delete that line");
  }

  std::string where(const TextFile& file, const Record& record, std::size_t column) const {
    const char* kind = file.format == TextFormat::jsonl ? ": key " : ": column ";
    return Place{file.file.name, record.line}.str() + kind + choice_.shown(column);
  }

  const std::string& cell_of(const TextFile& file, const Record& record, std::size_t column) const {
    const Cell& cell = record.cells.at(column);
    if (cell.problem == nullptr) return cell.text;
    const bool is_table = std::string_view(cell.problem) == "an object";
    throw Error(where(file, record, column) + ": expected a string, number or boolean, got " +
                cell.problem +
                (is_table ? "; pandas' to_json wants orient='records', lines=True" : ""));
  }

  Text text_of(const TextFile& file, const Record& record) const {
    Text text;
    for (const std::size_t column : choice_.text) {
      if (column != choice_.text[0]) text.first += ' ';
      text.first += cell_of(file, record, column);
    }
    if (choice_.pair) text.second = cell_of(file, record, *choice_.pair);
    return text;
  }

  // Whether it has text and label. Throws Error for values of another kind.
  bool is_whole(const TextFile& file, const Record& record) {
    const auto add_empty = [&](const std::string& what) {
      if (empty_.rows++ == 0) empty_.first = what;
      return false;
    };
    for (const std::size_t column : choice_.columns()) {
      const Cell& cell = record.cells.at(column);
      if (!labelled_ && choice_.label == column) continue;
      if (cell.problem != nullptr && is_absent(cell.problem))
        return add_empty(where(file, record, column) +
                         ": expected a string, number or boolean, got " + cell.problem);
    }
    const Text text = text_of(file, record);
    if (trimmed(text.first).empty() || (text.second && trimmed(*text.second).empty()))
      return add_empty(Place{file.file.name, record.line}.str() + ": empty text");
    if (labelled_ && trimmed(cell_of(file, record, *choice_.label)).empty())
      return add_empty(where(file, record, *choice_.label) + ": expected a label, got none");
    return true;
  }

  void tell_empty(bool drop) {
    if (empty_.rows == 0) return;
    const std::string count = std::to_string(empty_.rows);
    if (!drop) {
      throw Error(empty_.first + (empty_.rows == 1
                                      ? "; the only such row: give --drop-empty to leave it out"
                                      : "; " + count +
                                            " such rows: give --drop-empty to leave "
                                            "them out"));
    }
    notes_.push_back(count + (empty_.rows == 1 ? " row" : " rows") +
                     " without a text or label left out, the first: " + empty_.first);
  }

  int class_of(const TextFile& file, const Record& record) {
    if (!labelled_) return 0;
    const std::size_t column = choice_.label.value();
    const std::string_view name = trimmed(cell_of(file, record, column));
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

  // Up to here classes are numbered as they come, and "1" and "1.0" are two.
  void sort_classes() {
    if (const auto values = whole_numbers(class_names_)) {
      for (std::size_t i = 0; i < values->size(); ++i)
        class_names_[i] = std::to_string((*values)[i]);
    }
    std::vector<int> rank(class_names_.size());
    std::vector<std::string> sorted;
    for (const std::size_t index : sorted_order(class_names_)) {
      if (sorted.empty() || sorted.back() != class_names_[index])
        sorted.push_back(class_names_[index]);
      rank[index] = static_cast<int>(sorted.size()) - 1;
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
  EmptyRows empty_;
};

}  // namespace

std::shared_ptr<const Dataset> text_dataset(std::vector<TextFile> files, const TextColumns& columns,
                                            bool labelled) {
  if (files.empty()) throw Error("data: expected a file of texts, got none");
  return std::make_shared<TextDataset>(std::move(files), columns, labelled);
}

}  // namespace sidenet
