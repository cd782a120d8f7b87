#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sidenet/dataset.h"
#include "sidenet/export.h"
#include "sidenet/text.h"

namespace sidenet {

/// A value of a table.
struct TableCell {
  std::string text = {};  ///< UTF-8; of a JSON string what it means; empty where there is none
  std::string json = {};  ///< as JSON writes it, on one line; empty: as the string `text`, which is
                          ///< null where it is empty
  bool is_absent = false;  ///< no such key: JSON lines leave it out
};

/// The rows of a .csv, .tsv, .jsonl, .ndjson or .json file (also .gz), from the first to the last,
/// as Dataset reads them, but for their labels. Memory does not grow with a plain file.
class SIDENET_API TextTable {
 public:
  struct Row {
    std::int64_t line = 0;  ///< where it begins, from 1
    Text text;
    std::string error;             ///< why it has no text, with its place; empty: it has one
    std::vector<TableCell> cells;  ///< one a column; only where they are kept
  };

  /// keep_cells: rows get all their cells. A header gives the columns' names; of JSON all keys of
  /// the file do. Throws Error as Dataset::open() without labels: what is told from the whole file.
  static std::unique_ptr<TextTable> open(const std::string& path, const TextColumns& columns = {},
                                         bool keep_cells = false);
  /// Whether a file is called as one of these.
  static bool has_name(const std::string& path);

  virtual ~TextTable() = default;
  /// What was guessed, a line each.
  virtual const std::vector<std::string>& notes() const = 0;
  /// Names, as they stand; where there is no header "0", "1", … as pandas calls them,
  /// and of TREC lines "label" and "text".
  virtual const std::vector<std::string>& columns() const = 0;
  /// False behind the last row. Throws Error where the file is broken so that no row behind it can
  /// be told.
  virtual bool next(Row& row) = 0;
};

/// Writes a table as .csv, .tsv or .jsonl (also .gz), as its name says: UTF-8, lines that end with
/// LF; bytes that are no UTF-8 become U+FFFD. Cells of .csv and .tsv are between quotes where they
/// need it (RFC 4180). The file has its name at commit(), whole: without, nothing is left.
class SIDENET_API TableWriter {
 public:
  /// Throws Error: another name, or the file cannot be written.
  TableWriter(const std::string& path, const std::vector<std::string>& columns);
  ~TableWriter();
  TableWriter(const TableWriter&) = delete;
  TableWriter& operator=(const TableWriter&) = delete;
  /// Whether a file is called as one that it writes.
  static bool has_name(const std::string& path);
  static bool is_json(const std::string& path);

  /// One cell a column. Throws Error: a full disk.
  void write(const std::vector<TableCell>& cells);
  void commit();

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace sidenet
