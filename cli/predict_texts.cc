#include "predict_texts.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <utility>

#include "sidenet/error.h"
#include "text.h"

namespace sidenet::tools {
namespace {

Text text_of_line(std::string line, bool tab_pairs) {
  Text text{std::move(line), std::nullopt};
  if (!tab_pairs) return text;
  const auto tab = text.first.find('\t');
  if (tab == std::string::npos) throw Error("expected two texts with a tab between them, got one");
  text.second = text.first.substr(tab + 1);
  text.first.resize(tab);
  return text;
}

std::string shown(const Text& text) {
  return text.second ? text.first + " | " + *text.second : text.first;
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return path != "-" && std::filesystem::is_directory(path, ignored);
}

/// Throws Error where an option would count for nothing.
void check_no_columns(const std::string& input, const TextColumns& columns) {
  if (columns.text.empty() && columns.pair.empty() && columns.quotes == Quotes::automatic) return;
  throw Error((input == "-" ? "standard input" : input) +
              ": --text-column, --pair-column and --quotes are for tables");
}

void check_utf8(const std::string& input, const TextColumns& columns) {
  if (columns.encoding != TextEncoding::utf8) {
    throw Error((input == "-" ? "standard input" : input) +
                ": --encoding is for tables and folders of texts; lines are UTF-8: iconv -t UTF-8 "
                "-f NAME FILE > NEW");
  }
}

/// Throws Error for a packed or another known file, whose lines are no texts.
void check_lines(const std::string& path) {
  const std::string format = Dataset::format(path);
  if (format.empty()) return;
  const bool is_packed = format == "a gzip file";
  if (is_packed || format == "UTF-16") {
    throw Error(path + ": expected one text a line, got " + format + ": " +
                (is_packed ? "zcat FILE" : "iconv -f UTF-16 -t UTF-8 FILE") +
                " | sidenet predict MODEL -");
  }
  TextTable::open(path);  // says what to do
}

void print_notes(const std::vector<std::string>& notes, bool quiet) {
  if (quiet) return;
  for (const std::string& note : notes) std::cerr << printable(note) << '\n';
}

}  // namespace

TextSources::TextSources(const TextInputs& given, bool keep_cells)
    : given_(given), keep_cells_(keep_cells) {
  if (keep_cells_) settle_columns();
}

bool TextSources::is_table(const std::string& input) const {
  return input != "-" && !is_folder(input) &&
         (TextTable::has_name(input) || !given_.columns.text.empty());
}

bool TextSources::has_table() const {
  return std::any_of(given_.inputs.begin(), given_.inputs.end(),
                     [&](const std::string& input) { return is_table(input); });
}

void TextSources::settle_columns() {
  const auto tables = std::count_if(given_.inputs.begin(), given_.inputs.end(),
                                    [&](const std::string&input) { return is_table(input); }),
             folders = std::count_if(given_.inputs.begin(), given_.inputs.end(), is_folder);
  const auto inputs = static_cast<std::ptrdiff_t>(given_.inputs.size());
  const bool is_alone = given_.texts.empty();
  if (tables > 0 && (inputs > 1 || !is_alone))
    throw Error("-o: expected one table and no other input, got " + std::to_string(inputs) +
                (is_alone ? " inputs" : " and --text") + ": give each table an -o of its own");
  if (folders > 0 && (folders < inputs || !is_alone))
    throw Error("-o: expected folders alone, or lines alone, got both");
  if (tables > 0) {
    table_ = TextTable::open(given_.inputs[0], given_.columns, true);
    columns_ = table_->columns();
    notes_ = table_->notes();
  } else if (folders > 0) {
    columns_ = {"file"};
  } else {
    columns_ = {"text"};
    if (given_.tab_pairs || !given_.pairs.empty()) columns_.emplace_back("pair");
  }
}

std::vector<TableCell> TextSources::cells_of(const Text& text) const {
  if (!keep_cells_) return {};
  std::vector<TableCell> cells{{text.first}};
  if (columns_.size() > 1) cells.push_back({text.second.value_or("")});
  return cells;
}

void TextSources::predict_given(Predictor& predictor) const {
  for (std::size_t i = 0; i < given_.texts.size(); ++i) {
    Text text{given_.texts[i], std::nullopt};
    if (!given_.pairs.empty()) text.second = given_.pairs[i];
    const std::string place =
        given_.texts.size() == 1 ? "--text" : "--text number " + std::to_string(i + 1);
    predictor.add_text(text, {shown(text), place, cells_of(text)});
  }
}

void TextSources::predict_table(TextTable& table, const std::string& name,
                                Predictor& predictor) const {
  TextTable::Row row;
  while (table.next(row)) {
    InputRow input{shown(row.text), name + ":" + std::to_string(row.line), std::move(row.cells)};
    if (row.error.empty()) {
      predictor.add_text(row.text, std::move(input));
    } else {
      input.input.clear();
      predictor.add_failed(std::move(input), row.error);
    }
  }
}

void TextSources::predict_folder(const std::string& folder, Predictor& predictor,
                                 bool quiet) const {
  const FolderFiles files = texts_below(folder);
  print_notes(files.notes, quiet);
  for (const std::string& path : files.paths) {
    InputRow row{path, path, {}};
    if (keep_cells_) row.cells.push_back({path});
    try {
      const Text text{read_text(path, given_.columns.encoding), std::nullopt};
      predictor.add_text(text, std::move(row));
    } catch (const Error& error) {
      predictor.add_failed(std::move(row), error.what());
    }
  }
}

// One text a line, and one answer a line. Answers come as their batch is full, so a pipe is
// answered while it runs.
void TextSources::predict_lines(Lines lines, Predictor& predictor) const {
  while (lines.next()) {
    Text text;
    try {
      text.first = lines.line();
      text = text_of_line(text.first, given_.tab_pairs);
    } catch (const Error& error) {
      predictor.add_failed({text.first, lines.place(), cells_of(text)},
                           lines.place() + ": " + error.what());
      continue;
    }
    predictor.add_text(text, {shown(text), lines.place(), cells_of(text)});
  }
}

void TextSources::predict_input(const std::string& input, const Lines::Waiting& waiting,
                                Predictor& predictor, bool quiet) {
  if (!is_table(input)) check_no_columns(input, given_.columns);
  if (input == "-") {
    check_utf8(input, given_.columns);
    predict_lines(Lines::of_standard_input(Lines::Kind::texts, waiting), predictor);
  } else if (is_folder(input)) {
    predict_folder(input, predictor, quiet);
  } else if (is_table(input)) {
    if (given_.tab_pairs)
      throw Error(input +
                  ": --pairs is for lines; of a table give --text-column and "
                  "--pair-column");
    std::unique_ptr<TextTable> table =
        table_ ? std::move(table_) : TextTable::open(input, given_.columns);
    if (!keep_cells_) print_notes(table->notes(), quiet);
    predict_table(*table, input, predictor);
  } else {
    check_utf8(input, given_.columns);
    check_lines(input);
    predict_lines(Lines::of_file(input, "a file with one text a line", Lines::Kind::texts),
                  predictor);
  }
}

void TextSources::predict(const Lines::Waiting& waiting, Predictor& predictor, bool quiet) {
  predict_given(predictor);
  for (const std::string& input : given_.inputs) {
    try {
      predict_input(input, waiting, predictor, quiet);
    } catch (const Error& error) {
      if (keep_cells_) throw;  // a file of answers has all rows, or is not written
      predictor.report(error.what());
    }
  }
}

}  // namespace sidenet::tools
