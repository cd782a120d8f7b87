#include "text_cells.h"

#include <algorithm>
#include <optional>

#include "quoted_scan.h"
#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

std::string name_of_delimiter(char delimiter) {
  switch (delimiter) {
    case ',': return "commas";
    case ';': return "semicolons";
    case '|': return "bars";
    default: return "tabs";
  }
}

void check_line_ends(const TextFile& file) {
  const std::size_t end = find_in(file.file, "\r");
  if (end == std::string_view::npos || end + 1 == file.bytes().size() ||
      find_in(file.file, "\n") != std::string_view::npos)
    return;
  throw Error(printable(file.file.name) +
              ": its lines end with CR alone, as on old Macs; expected LF or CRLF: tr '\\r' '\\n' "
              "< FILE > NEW");
}

/// A .csv's own; commas where no other fits better.
char find_delimiter(const TextFile& file) {
  const std::string_view bytes = without_mark(file.bytes());
  const std::string_view first = bytes.substr(0, bytes.find('\n'));
  if (first.starts_with("sep=")) {
    throw Error(Place{file.file.name, 1}.str() + ": expected a header or a row, got " +
                excerpt(trimmed(first)) + ", a spreadsheet's: delete that line");
  }
  std::string others;
  for (const char each : {';', '\t', '|'}) {
    if (first.find(each) != std::string_view::npos) others += each;
  }
  if (others.empty() || scan_quoted(file.file, ',').columns > 1) return ',';
  std::string fitting;
  for (const char each : others) {
    if (scan_quoted(file.file, each).columns > 1) fitting += each;
  }
  if (fitting.size() < 2) return fitting.empty() ? ',' : fitting[0];
  throw Error(printable(file.file.name) + ": " + name_of_delimiter(fitting[0]) + " or " +
              name_of_delimiter(fitting[1]) + " may part its cells; expected commas");
}

void check_tabs(const TextFile& file) {
  if (file.sniffed || find_in(file.file, "\t") != std::string_view::npos) return;
  for (const char each : {',', ';', '|'}) {
    if (scan_quoted(file.file, each).columns < 2) continue;
    throw Error(printable(file.file.name) +
                ": expected tabs between the cells of a .tsv file, got " + name_of_delimiter(each) +
                ": name it .csv");
  }
}

[[noreturn]] void fail_unclear(const TextFile& file, const QuotedScan& scan) {
  const std::string line = std::to_string(scan.needed > 0 ? scan.needed_line : 1);
  throw Error(printable(file.file.name) + ": what quotes mean is not clear: those of line " + line +
              " may enclose a cell" +
              (scan.bare_line > 0
                   ? ", those of line " + std::to_string(scan.bare_line) + " are text"
                   : ", or be text") +
              ": give --quotes doubled or --quotes text");
}

/// Whether quotes enclose cells of a .tsv; none where no cell begins with one, as both readings are
/// the same.
std::optional<bool> quotes_of_tsv(const TextFile& file) {
  const char delimiter = file.cell_end();
  if (!has_opening_quote(file.file, delimiter)) return std::nullopt;
  const QuotedScan scan = scan_quoted(file.file, delimiter);
  if (scan.columns == 0) return false;
  const std::size_t plain = plain_columns(file.file, delimiter);
  if (plain == 0) return true;
  // Lines that are whole without quotes, though some would end inside them: met by chance.
  if (scan.parted > 0) fail_unclear(file, scan);
  if (scan.needless == 0 && scan.loose + scan.escaped == 0) {
    if (scan.needed > 0 || scan.is_column_enclosed) return true;
    fail_unclear(file, scan);  // around commas alone: a spreadsheet's, or a writer's own
  }
  if (scan.needed > 0) fail_unclear(file, scan);
  return false;
}

/// Quotes of a .csv enclose cells, unless all are escaped by backslashes, which may be escapes or
/// text.
void check_backslashes(const TextFile& file) {
  if (find_in(file.file, "\\\"") == std::string_view::npos) return;
  const QuotedScan scan = scan_quoted(file.file, file.cell_end());
  if (scan.columns == 0 || scan.escaped == 0 || scan.loose > 0) return;
  throw Error(printable(file.file.name) +
              ": its quotes stand behind backslashes, which are escapes (MySQL) or text: write "
              "quotes doubled, as pandas does, or give --quotes doubled to keep the backslashes");
}

}  // namespace

void settle_cells(std::vector<TextFile>& files, Quotes wanted) {
  std::optional<bool> quoted;
  const TextFile* decided = nullptr;
  for (TextFile& file : files) {
    check_line_ends(file);
    if (file.format == TextFormat::csv && file.delimiter == 0) {
      file.delimiter = find_delimiter(file);
      if (file.delimiter != ',') file.found = "cells between " + name_of_delimiter(file.delimiter);
    }
    if (file.format == TextFormat::csv) {
      file.quoted = wanted != Quotes::text;
      if (wanted == Quotes::automatic) check_backslashes(file);
    }
    if (file.format != TextFormat::tsv) continue;
    check_tabs(file);
    const std::optional<bool> own = wanted == Quotes::automatic
                                        ? quotes_of_tsv(file)
                                        : std::optional(wanted == Quotes::doubled);
    if (own && quoted && *own != *quoted) {
      throw Error(printable(file.file.name) + ": its quotes " +
                  (*own ? "enclose cells, those of " : "are text, those of ") +
                  printable(decided->file.name) + (*own ? " are text" : " enclose cells") +
                  ": give --quotes doubled or --quotes text");
    }
    if (own) quoted = own, decided = &file;
  }
  for (TextFile& file : files) {
    if (file.format != TextFormat::tsv) continue;
    file.quoted = quoted.value_or(false);
    if (*file.quoted && wanted == Quotes::automatic) file.found = "quotes enclose cells";
  }
}

}  // namespace sidenet
