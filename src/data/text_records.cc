#include "text_records.h"

#include <algorithm>

#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

std::string why_other_columns(const TextFile& file, const Record& record) {
  if (!file.has_quoted_cells() || record.cells.size() < file.columns) return "";
  return file.cell_end() == ',' ? "; is there a comma in a text without quotes?"
                                : "; is there a delimiter in a text without quotes?";
}

}  // namespace

void append_decoded(std::string_view bytes, TextEncoding encoding, std::string& text) {
  switch (encoding) {
    case TextEncoding::utf8: text += bytes; break;
    case TextEncoding::latin1: append_latin1(bytes, text); break;
    case TextEncoding::windows1252: append_windows1252(bytes, text); break;
  }
}

std::string Place::str() const { return printable(file) + ":" + std::to_string(line); }

RecordReader::RecordReader(const TextFile& file) : file_(file), bytes_(file.bytes()) {
  at_ = bytes_.size() - without_mark(bytes_).size();
}

bool RecordReader::next(Record& record) {
  is_behind_record_ = false;
  if (file_.format == TextFormat::json) {
    if (!goes_on()) return false;
  } else {
    skip_empty_lines();
  }
  if (at_ >= bytes_.size()) return false;
  record.begin = at_;
  record.line = record_line_ = line_;
  switch (file_.format) {
    case TextFormat::tsv:
    case TextFormat::csv:
      file_.has_quoted_cells() ? read_quoted_cells(record) : read_plain_cells(record);
      break;
    case TextFormat::jsonl:
    case TextFormat::json: read_json(record); break;
    case TextFormat::trec: read_trec(record); break;
  }
  return true;
}

void RecordReader::skip_white() {
  for (; at_ < bytes_.size(); ++at_) {
    const char c = bytes_[at_];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
    if (c == '\n') ++line_;
  }
}

/// To the next object of a list; false behind its end.
bool RecordReader::goes_on() {
  const auto fail = [&](const char* expected) {
    throw Error(Place{file_.file.name, line_}.str() + ": expected " + expected + ", got " +
                (at_ >= bytes_.size() ? "the end of the file" : excerpt(bytes_.substr(at_, 8))));
  };
  const auto is_at = [&](char c) { return at_ < bytes_.size() && bytes_[at_] == c; };
  skip_white();
  if (list_ == List::begins) {
    if (at_ >= bytes_.size()) return false;
    if (!is_at('[')) fail("a list of objects");
    list_ = List::at_first, ++at_;
    skip_white();
  }
  if (list_ != List::at_object && is_at(']')) {
    ++at_;
    skip_white();
    if (at_ < bytes_.size()) fail("the end of the file behind the list");
    return false;
  }
  if (list_ == List::behind_object) {
    if (!is_at(',')) fail("a comma or ] behind an object");
    ++at_;
    skip_white();
  }
  if (!is_at('{')) fail("an object ({…})");
  list_ = List::at_object;
  return true;
}

/// From { to its }, which is all that is looked at.
std::string_view RecordReader::take_object() {
  const std::size_t begin = at_;
  const std::int64_t line = line_;
  std::size_t depth = 0;
  for (bool in_string = false; at_ < bytes_.size(); ++at_) {
    const char c = bytes_[at_];
    if (at_ - begin >= kMaxJsonLineBytes) {
      throw Error(Place{file_.file.name, line}.str() + ": expected an object of at most " +
                  std::to_string(kMaxJsonLineBytes) + " bytes, got more; is it closed?");
    }
    if (c == '\n') ++line_;
    if (in_string) {
      if (c == '\\' && at_ + 1 < bytes_.size()) ++at_;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      ++at_;
      list_ = List::behind_object;
      return bytes_.substr(begin, at_ - begin);
    }
  }
  throw Error(Place{file_.file.name, line}.str() +
              ": expected the } of this object, got the end of the file");
}

void RecordReader::skip_empty_lines() {
  while (at_ < bytes_.size()) {
    const std::size_t end = bytes_[at_] == '\r' ? at_ + 1 : at_;
    if (end < bytes_.size() && bytes_[end] != '\n') return;
    at_ = std::min(end + 1, bytes_.size());
    ++line_;
  }
}

std::string_view RecordReader::take_line() {
  const std::size_t end = std::min(bytes_.find('\n', at_), bytes_.size());
  std::string_view line = bytes_.substr(at_, end - at_);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  at_ = std::min(end + 1, bytes_.size());
  ++line_;
  return line;
}

Cell& RecordReader::start_cell(Record& record, std::size_t column) const {
  if (column == kMaxColumns) {
    throw Error(Place{file_.file.name, record.line}.str() + ": expected at most " +
                std::to_string(kMaxColumns) + " columns, got more");
  }
  if (record.cells.size() <= column) record.cells.resize(column + 1);
  Cell& cell = record.cells[column];
  cell.text.clear();
  return cell;
}

void RecordReader::append(Cell& cell, std::string_view bytes, std::int64_t line) const {
  if (cell.text.size() > kMaxCellBytes || bytes.size() > kMaxCellBytes - cell.text.size()) {
    throw Error(Place{file_.file.name, line}.str() + ": expected at most " +
                std::to_string(kMaxCellBytes) + " bytes in a field, got more" +
                (file_.has_quoted_cells() ? "; is a quote left open?" : ""));
  }
  append_decoded(bytes, file_.encoding, cell.text);
}

void RecordReader::check_columns(const Record& record) const {
  if (file_.columns == 0 || record.cells.size() == file_.columns) return;
  throw Error(Place{file_.file.name, record.line}.str() + ": expected " +
              std::to_string(file_.columns) + " columns, got " +
              std::to_string(record.cells.size()) + why_other_columns(file_, record));
}

void RecordReader::read_plain_cells(Record& record) {
  const std::string_view line = take_line();
  is_behind_record_ = true;
  std::size_t column = 0;
  for (std::size_t begin = 0; begin <= line.size(); ++column) {
    const std::size_t end = std::min(line.find(file_.cell_end(), begin), line.size());
    append(start_cell(record, column), line.substr(begin, end - begin), record.line);
    begin = end + 1;
  }
  record.cells.resize(column);
  check_columns(record);
}

void RecordReader::read_quoted_cells(Record& record) {
  const char delimiter = file_.cell_end();
  std::size_t column = 0;
  for (bool more = true; more; ++column) {
    Cell& cell = start_cell(record, column);
    if (at_ < bytes_.size() && bytes_[at_] == '"') {
      read_quoted(cell);
    } else {
      std::size_t end = at_;
      while (end < bytes_.size() && bytes_[end] != delimiter && bytes_[end] != '\n') ++end;
      std::string_view bytes = bytes_.substr(at_, end - at_);
      const bool last = end == bytes_.size() || bytes_[end] == '\n';
      if (last && !bytes.empty() && bytes.back() == '\r') bytes.remove_suffix(1);
      append(cell, bytes, line_);
      at_ = end;
    }
    more = at_ < bytes_.size() && bytes_[at_] == delimiter;
    if (at_ < bytes_.size()) ++at_;
  }
  ++line_;
  is_behind_record_ = true;
  record.cells.resize(column);
  check_columns(record);
}

// From an opening quote to the delimiter or LF behind the closing one, or to the end of the file.
void RecordReader::read_quoted(Cell& cell) {
  const std::int64_t opened = line_;
  for (++at_;; ++at_) {
    const std::size_t end = bytes_.find('"', at_);
    if (end == std::string_view::npos) {
      // A cell that is too long is told first: it says more.
      append(cell, bytes_.substr(at_), opened);
      throw Error(Place{file_.file.name, opened}.str() +
                  ": expected a closing quote, got the end of the file");
    }
    const std::string_view piece = bytes_.substr(at_, end - at_);
    append(cell, piece, opened);
    line_ += std::count(piece.begin(), piece.end(), '\n');
    at_ = end + 1;
    if (at_ >= bytes_.size() || bytes_[at_] != '"') break;
    append(cell, "\"", opened);
  }
  const bool is_last_return = at_ < bytes_.size() && bytes_[at_] == '\r' &&
                              (at_ + 1 == bytes_.size() || bytes_[at_ + 1] == '\n');
  if (is_last_return) ++at_;
  if (at_ < bytes_.size() && bytes_[at_] != file_.cell_end() && bytes_[at_] != '\n') {
    const bool is_escaped = at_ > 1 && bytes_[at_ - 2] == '\\';
    throw Error(Place{file_.file.name, line_}.str() + ": expected " +
                (file_.cell_end() == ',' ? "a comma" : "a delimiter") +
                " or the end of the line after a closing quote, got " +
                excerpt(bytes_.substr(at_, 4)) +
                (is_escaped ? "; write quotes doubled, not behind backslashes" : ""));
  }
}

void RecordReader::read_trec(Record& record) {
  const std::string_view line = take_line();
  is_behind_record_ = true;
  const std::size_t blank = std::min(line.find_first_of(" \t"), line.size()),
                    colon = line.find(':');
  if (colon == 0 || colon >= blank || blank == line.size()) {
    throw Error(Place{file_.file.name, record.line}.str() +
                ": expected LABEL:detail, a blank and the text, got " + excerpt(line));
  }
  append(start_cell(record, 0), line.substr(0, colon), record.line);
  append(start_cell(record, 1), line.substr(blank + 1), record.line);
  record.cells.resize(2);
}

std::string_view RecordReader::next_line() {
  skip_empty_lines();
  return take_line();
}

std::string_view RecordReader::next_object(std::string& decoded) {
  const bool is_list = file_.format == TextFormat::json;
  if (is_list && list_ != List::at_object && !goes_on()) return {};
  if (!is_list) skip_empty_lines();
  record_line_ = line_;
  const std::string_view line = is_list ? take_object() : take_line();
  is_behind_record_ = true;
  if (file_.encoding == TextEncoding::utf8) return line;
  const auto high = std::count_if(line.begin(), line.end(),
                                  [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  const std::size_t more = file_.encoding == TextEncoding::latin1 ? 1 : 2;  // bytes of UTF-8
  const std::size_t size = line.size() + more * static_cast<std::size_t>(high);
  if (size > kMaxJsonLineBytes) {
    throw Error(Place{file_.file.name, record_line_}.str() + ": expected JSON of at most " +
                std::to_string(kMaxJsonLineBytes) + " bytes as UTF-8, got " + std::to_string(size));
  }
  decoded.clear();
  decoded.reserve(size);
  append_decoded(line, file_.encoding, decoded);
  return decoded;
}

void RecordReader::read_json(Record& record) {
  const std::string_view line = next_object(decoded_);
  read_json_record(line, {file_.file.name, record.line}, file_.keys, record.cells);
}

bool next_readable(RecordReader& reader, Record& record) {
  for (;;) {
    try {
      return reader.next(record);
    } catch (const Error&) {
      if (!reader.can_go_on()) throw;
    }
  }
}

}  // namespace sidenet
