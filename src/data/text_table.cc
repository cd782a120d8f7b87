#include "sidenet/text_table.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "known_format.h"
#include "sidenet/error.h"
#include "table_of.h"
#include "text_cells.h"
#include "text_columns.h"
#include "text_encoding.h"
#include "text_format.h"
#include "text_row.h"

namespace sidenet {
namespace {

TextFile open_file(const FileBytes& bytes, const TextColumns& columns) {
  std::optional<TextFile> file = text_file(bytes, false);
  if (!file) throw Error(printable(bytes.name) + ": expected a table of texts, got other bytes");
  file->encoding = columns.encoding;
  check_encoding(*file);
  std::vector<TextFile> files{std::move(*file)};
  settle_cells(files, columns.quotes);
  return std::move(files[0]);
}

class Table : public TextTable {
 public:
  Table(const FileBytes& bytes, const TextColumns& columns, bool keep_cells)
      : file_(open_file(bytes, columns)),
        choice_(choose_columns(file_, columns, false)),
        keep_cells_(keep_cells),
        reader_(file_),
        passed_(file_.file) {
    if (!choice_.note.empty()) notes_.push_back(choice_.note);
    if (file_.has_objects()) {
      choose_keys();
    } else if (choice_.has_header) {
      reader_.next(record_);
      for (const Cell& cell : record_.cells) columns_.push_back(cell.text);
    } else if (!choice_.names.empty()) {
      columns_ = choice_.names;
    } else {
      for (std::size_t i = 0; i < file_.columns; ++i) columns_.push_back(std::to_string(i));
    }
  }

  const std::vector<std::string>& notes() const override { return notes_; }
  const std::vector<std::string>& columns() const override { return columns_; }

  bool next(Row& row) override {
    row.error.clear();
    bool is_read = true;
    try {
      if (!reader_.next(record_)) return false;
    } catch (const Error& error) {
      if (!reader_.can_go_on()) throw;
      row.error = error.what();
      is_read = false;
    }
    passed_.at(record_.begin);
    row.line = record_.line;
    if (keep_cells_) keep(row, is_read);
    if (is_read) read_text(row);
    return true;
  }

 private:
  void choose_keys() {
    if (keep_cells_) {
      PassedPages passed(file_.file);
      RecordReader objects(file_);
      std::string decoded;
      while (add_keys(objects, decoded)) passed.at(objects.position());
      columns_ = choice_.names = file_.keys.names;
      file_.keys.keep_raw = true;
    } else {
      columns_ = file_.keys.names;
      file_.keys.keep(choice_.columns());
    }
  }

  /// Of one more object; a broken one has none.
  bool add_keys(RecordReader& objects, std::string& decoded) {
    const std::size_t known = file_.keys.names.size();
    try {
      const std::string_view object = objects.next_object(decoded);
      if (object.empty()) return false;
      add_json_columns(object, {file_.file.name, objects.record_line()}, file_.keys);
    } catch (const Error&) {
      if (!objects.can_go_on() || file_.keys.names.size() == kMaxColumns) throw;
      file_.keys.forget_from(known);
    }
    return true;
  }

  void keep(Row& row, bool is_read) {
    row.cells.resize(columns_.size());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      TableCell& kept = row.cells[i];
      const bool is_there = i < record_.cells.size() && (is_read || !file_.has_objects());
      kept.text = is_there ? record_.cells[i].text : "";
      kept.json = is_there ? record_.cells[i].raw : "";
      kept.is_absent = file_.has_objects() && kept.json.empty();
      if (!kept.json.starts_with('"') && kept.json != "null" && !kept.json.empty())
        kept.text = kept.json;
      if (kept.json == "null") kept.text.clear();
    }
  }

  void read_text(Row& row) {
    try {
      const TextRow from(file_, choice_, record_);
      if (from.is_header()) {
        row.error = Place{file_.file.name, record_.line}.str() +
                    ": expected a row, got the header again: delete that line";
      } else if (const auto missing = from.missing(false)) {
        row.error = *missing;
      } else {
        row.text = from.text();
      }
    } catch (const Error& error) {
      row.error = error.what();
    }
  }

  TextFile file_;
  ColumnChoice choice_;
  bool keep_cells_;
  RecordReader reader_;
  PassedPages passed_;
  Record record_;
  std::vector<std::string> notes_, columns_;
};

}  // namespace

std::unique_ptr<TextTable> TextTable::open(const std::string& path, const TextColumns& columns,
                                           bool keep_cells) {
  return table_of(read_file_bytes(path), columns, keep_cells);
}

std::unique_ptr<TextTable> table_of(const FileBytes& file, const TextColumns& columns,
                                    bool keep_cells) {
  return std::make_unique<Table>(file, columns, keep_cells);
}

bool TextTable::has_name(const std::string& path) {
  constexpr std::array kNames{".csv", ".tsv", ".jsonl", ".ndjson", ".json"};
  return std::find(kNames.begin(), kNames.end(), text_extension(path)) != kNames.end();
}

}  // namespace sidenet
