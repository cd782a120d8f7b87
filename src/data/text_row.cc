#include "text_row.h"

#include <algorithm>

#include "sidenet/error.h"
#include "text_encoding.h"
#include "utf8_text.h"

namespace sidenet {
namespace {

std::size_t valid_prefix(std::string_view bytes, TextEncoding encoding) {
  switch (encoding) {
    case TextEncoding::latin1: return valid_latin1_prefix(bytes);
    case TextEncoding::windows1252: return valid_windows1252_prefix(bytes);
    default: return valid_utf8_prefix(bytes);
  }
}

/// Bytes in front of the first that is not in the file's encoding.
std::size_t valid_prefix(const TextFile& file) {
  constexpr std::size_t kPiece = std::size_t{4} << 20, kCharacter = 4;
  const std::string_view bytes = file.bytes();
  PassedPages passed(file.file);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::string_view piece = bytes.substr(at, kPiece);
    const std::size_t valid = valid_prefix(piece, file.encoding);
    at += valid;
    const bool is_cut = at < bytes.size() && valid > 0 && valid + kCharacter > piece.size();
    if (valid < piece.size() && !is_cut) return at;
    passed.at(at);
  }
  return bytes.size();
}

[[noreturn]] void fail(const TextFile& file, const std::string& at, std::size_t place) {
  const std::string byte = " at byte " + std::to_string(place) + " of the line";
  if (file.encoding == TextEncoding::utf8) {
    throw Error(at + ": invalid UTF-8" + byte +
                "; give --encoding latin-1 or windows-1252 if it is one of them");
  }
  if (file.encoding == TextEncoding::windows1252)
    throw Error(at + ": expected Windows-1252, got a byte that it has no character for" + byte);
  throw Error(at + ": expected Latin-1, got a control character (0x80 to 0x9F)" + byte +
              "; give --encoding windows-1252, which has quotes and dashes there");
}

/// Of the byte behind `valid`, in bytes that begin in line `first_line`.
[[noreturn]] void fail_at(const TextFile& file, std::string_view bytes, std::size_t valid,
                          std::int64_t first_line) {
  const std::string_view before = bytes.substr(0, valid);
  const std::size_t line_begin = before.rfind('\n') + 1;  // 0 where there is none: npos + 1
  const std::int64_t line = first_line + std::count(before.begin(), before.end(), '\n');
  fail(file, Place{file.file.name, line}.str(), valid - line_begin + 1);
}

}  // namespace

void check_encoding(const TextFile& file) {
  const std::size_t valid = valid_prefix(file);
  if (valid < file.bytes().size()) fail_at(file, file.bytes(), valid, 1);
}

void check_encoding(const TextFile& file, const Record& record, const RecordReader& reader) {
  const std::string_view bytes =
      file.bytes().substr(record.begin, reader.position() - record.begin);
  const std::size_t valid = valid_prefix(bytes, file.encoding);
  if (valid < bytes.size()) fail_at(file, bytes, valid, record.line);
}

std::string TextRow::where(std::size_t column) const {
  const char* kind = file_.has_objects() ? ": key " : ": column ";
  return Place{file_.file.name, record_.line}.str() + kind + choice_.shown(column);
}

const std::string& TextRow::cell(std::size_t column) const {
  const Cell& cell = record_.cells.at(column);
  if (cell.problem == nullptr) return cell.text;
  const bool is_table = std::string_view(cell.problem) == "an object";
  throw Error(where(column) + ": expected a string, number or boolean, got " + cell.problem +
              (is_table ? "; pandas' to_json wants orient='records', lines=True" : ""));
}

Text TextRow::text() const {
  Text text;
  for (const std::size_t column : choice_.text) {
    if (column != choice_.text[0]) text.first += ' ';
    text.first += cell(column);
  }
  if (choice_.pair) text.second = cell(*choice_.pair);
  return text;
}

std::optional<std::string> TextRow::missing(bool labelled) const {
  for (const std::size_t column : choice_.columns()) {
    const Cell& cell = record_.cells.at(column);
    if (!labelled && choice_.label == column) continue;
    if (cell.problem != nullptr && is_absent(cell.problem))
      return where(column) + ": expected a string, number or boolean, got " + cell.problem;
  }
  const Text text = this->text();
  if (trimmed(text.first).empty() || (text.second && trimmed(*text.second).empty()))
    return Place{file_.file.name, record_.line}.str() + ": empty text";
  if (labelled && trimmed(cell(*choice_.label)).empty())
    return where(*choice_.label) + ": expected a label, got none";
  return std::nullopt;
}

bool TextRow::is_header() const {
  return choice_.has_header &&
         std::equal(
             record_.cells.begin(), record_.cells.end(), choice_.names.begin(), choice_.names.end(),
             [](const Cell& cell, const std::string& name) { return trimmed(cell.text) == name; });
}

}  // namespace sidenet
