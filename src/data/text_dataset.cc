#include "text_dataset.h"

#include <algorithm>
#include <limits>
#include <map>

#include "class_names.h"
#include "column_names.h"
#include "left_out.h"
#include "row_index.h"
#include "sidenet/error.h"
#include "text_cells.h"
#include "text_columns.h"
#include "text_encoding.h"
#include "text_row.h"

namespace sidenet {
namespace {

class TextDataset : public Dataset {
 public:
  TextDataset(std::vector<TextFile> files, const TextColumns& columns, bool labelled,
              bool skip_broken)
      : files_(std::move(files)), labelled_(labelled), skip_broken_(skip_broken) {
    for (TextFile& file : files_) {
      file.encoding = columns.encoding;
      if (!skip_broken_) check_encoding(file);  // else row by row
    }
    settle_cells(files_, columns.quotes);
    choice_ = choose_columns(files_[0], columns, labelled);
    if (files_[0].has_objects()) files_[0].keys.keep(choice_.columns());
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
    tell_left_out(columns.drop_empty);
    if (rows() == 0) {
      throw Error(
          printable(files_[0].file.name) + ": expected rows, got " +
          (left_out() > 0 ? "none that can be taken: " + first_left_out() : "a header alone"));
    }
    if (labelled_) sort_classes();
  }

  Kind kind() const override { return Kind::texts; }
  const std::vector<std::string>& notes() const override { return notes_; }
  std::int64_t rows() const override { return index_.rows(); }
  std::int64_t left_out() const override { return broken_.rows() + empty_.rows(); }
  int label(std::int64_t row) const override { return index_.label(row); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::string name(std::int64_t row) const override {
    return short_place(file_of(row), index_.line(row));
  }
  Text text(std::int64_t row) const override {
    const TextFile& file = file_of(row);
    RecordReader reader(file, index_.begin(row), index_.line(row));
    Record record;
    // False only where the file has changed since.
    if (!reader.next(record))
      throw Error(name(row) + ": expected a record, got the end of the file");
    return TextRow(file, choice_, record).text();
  }

 private:
  const TextFile& file_of(std::int64_t row) const {
    return files_.at(static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), row) -
                                              ends_.begin()));
  }

  void read_rows(const TextFile& file) {
    RecordReader reader(file);
    Record record;
    if (choice_.has_header && reader.next(record)) check_encoding(file, record, reader);
    if (&file != &files_[0]) check_header(file);
    PassedPages passed(file.file);
    while (next(file, reader, record)) {
      refuse_header_again(file, record);
      if (record.line > std::numeric_limits<std::uint32_t>::max()) {
        throw Error(Place{file.file.name, record.line}.str() + ": expected fewer lines");
      }
      add_row(file, reader, record);
      passed.at(record.begin);
      check_memory(file, record);
    }
  }

  /// The next record; broken ones are left out where that is asked for.
  bool next(const TextFile& file, RecordReader& reader, Record& record) {
    for (;;) {
      try {
        return reader.next(record);
      } catch (const Error& error) {
        if (!skip_broken_ || !reader.can_go_on()) throw;
        broken_.add(short_place(file, reader.record_line()), error.what());
      }
    }
  }

  void add_row(const TextFile& file, const RecordReader& reader, const Record& record) {
    try {
      if (skip_broken_) check_encoding(file, record, reader);
      if (const auto missing = TextRow(file, choice_, record).missing(labelled_)) {
        empty_.add(short_place(file, record.line), *missing);
        return;
      }
      const int label = class_of(file, record);
      index_.add(record.begin, static_cast<std::uint32_t>(record.line), label);
    } catch (const Error& error) {
      if (!skip_broken_) throw;
      broken_.add(short_place(file, record.line), error.what());
    }
  }

  static std::string short_place(const TextFile& file, std::int64_t line) {
    return printable(base_name(file.file.name)) + ":" + std::to_string(line);
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
    if (file.has_objects() || file.format == TextFormat::trec || !RecordReader(file).next(record))
      return;
    if (choice_.has_header ? TextRow(file, choice_, record).is_header()
                           : !looks_like_header(record))
      return;
    throw Error(Place{file.file.name, record.line}.str() + ": expected " +
                (choice_.has_header ? "the header of " : "no header, as in ") +
                printable(files_[0].file.name) + ", got a line that starts with " +
                excerpt(record.cells[0].text));
  }

  // Files are joined with their headers, and pandas appends with one by default.
  void refuse_header_again(const TextFile& file, const Record& record) const {
    if (!TextRow(file, choice_, record).is_header()) return;
    throw Error(Place{file.file.name, record.line}.str() +
                ": expected a row, got the header again: delete that line");
  }

  const std::string& first_left_out() const {
    return broken_.rows() > 0 ? broken_.first() : empty_.first();
  }

  void tell_left_out(bool drop_empty) {
    if (broken_.rows() > 0) notes_.push_back(broken_.note("that cannot be read"));
    if (empty_.rows() == 0) return;
    if (!drop_empty && !skip_broken_) {
      throw Error(empty_.first() + (empty_.rows() == 1
                                        ? "; the only such row: give --drop-empty to leave it out"
                                        : "; " + std::to_string(empty_.rows()) +
                                              " such rows: give --drop-empty to leave "
                                              "them out"));
    }
    notes_.push_back(empty_.note("without a text or label"));
  }

  int class_of(const TextFile& file, const Record& record) {
    if (!labelled_) return 0;
    const std::size_t column = choice_.label.value();
    const TextRow row(file, choice_, record);
    const std::string_view name = trimmed(row.cell(column));
    const auto found = classes_.find(name);
    if (found != classes_.end()) return found->second;
    if (class_names_.size() == RowIndex::kMaxClasses) {
      throw Error(row.where(column) + ": expected at most " +
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
  bool labelled_, skip_broken_;
  ColumnChoice choice_;
  std::vector<std::string> notes_, class_names_;
  std::map<std::string, int, std::less<>> classes_;  // while reading
  std::vector<std::int64_t> ends_;                   // rows up to the end of each file
  RowIndex index_;
  LeftOut broken_, empty_;
};

}  // namespace

std::shared_ptr<const Dataset> text_dataset(std::vector<TextFile> files, const TextColumns& columns,
                                            bool labelled, bool skip_broken) {
  if (files.empty()) throw Error("data: expected a file of texts, got none");
  return std::make_shared<TextDataset>(std::move(files), columns, labelled, skip_broken);
}

}  // namespace sidenet
