#include "text_format.h"

#include <algorithm>

#include "known_format.h"
#include "sidenet/error.h"
#include "text_encoding.h"
#include "utf16.h"

namespace sidenet {
namespace {

constexpr std::size_t kSniffedBytes = 4096;
constexpr int kSniffedLines = 1000;

// Image formats have NUL or other control bytes near their start.
bool looks_like_text(std::string_view bytes) {
  const std::string_view start = bytes.substr(0, kSniffedBytes);
  return !start.empty() && std::none_of(start.begin(), start.end(), [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n' && c != '\r' &&
            c != '\f') ||
           c == '\x7f';
  });
}

bool is_trec_line(std::string_view line) {
  const std::size_t colon = line.find(':'), blank = line.find(' ');
  return colon != std::string_view::npos && blank != std::string_view::npos && colon > 0 &&
         colon < blank && line.find('\t') == std::string_view::npos;
}

/// [ and {, with white space alone between them.
bool is_list(std::string_view bytes) {
  constexpr std::string_view kWhite = " \t\r\n";
  bytes = without_mark(bytes).substr(0, kSniffedBytes);
  const std::size_t open = bytes.find_first_not_of(kWhite);
  if (open == std::string_view::npos || bytes[open] != '[') return false;
  const std::size_t first = bytes.find_first_not_of(kWhite, open + 1);
  return first != std::string_view::npos && bytes[first] == '{';
}

TextFormat sniff(const TextFile& file, bool labelled) {
  if (without_mark(file.bytes()).starts_with("{\"")) return TextFormat::jsonl;
  if (is_list(file.bytes())) return TextFormat::json;
  RecordReader reader(file);
  bool is_tsv = true, is_trec = true;
  for (int i = 0; i < kSniffedLines && (is_tsv || is_trec); ++i) {
    const std::string_view line = reader.next_line();
    if (line.empty()) break;
    is_tsv = is_tsv && line.find('\t') != std::string_view::npos;
    is_trec = is_trec && is_trec_line(line);
  }
  if (is_trec) return TextFormat::trec;
  if (is_tsv || !labelled) return TextFormat::tsv;
  const bool is_fasttext = file.bytes().starts_with("__label__");
  throw Error(Place{file.file.name, reader.line() - 1}.str() +
              ": expected images, or texts as .tsv, .csv, .jsonl or TREC's lines (LABEL:detail "
              "text), got " +
              (is_fasttext ? "fastText's lines: sed 's/^__label__//; s/ /\\t/' FILE > NEW.tsv"
                           : "text with neither a tab nor a label in each line"));
}

}  // namespace

std::optional<TextFile> text_file(const FileBytes& file, bool labelled) {
  TextFile text;
  const std::string end = text_extension(file.name);
  if (end == ".bin") return std::nullopt;
  text.file = has_utf16_mark(file) ? utf8_of_utf16(file) : file;
  refuse_known_format(text.bytes(), file.name);
  const bool is_json = end == ".jsonl" || end == ".ndjson" || end == ".json";
  if (end == ".tsv" || end == ".csv" || is_json) {
    const bool is_one_list =
        end == ".json" && trimmed(without_mark(text.bytes().substr(0, 64))).starts_with('[');
    text.format = is_one_list     ? TextFormat::json
                  : is_json       ? TextFormat::jsonl
                  : end == ".csv" ? TextFormat::csv
                                  : TextFormat::tsv;
    return text;
  }
  if (!looks_like_text(text.bytes())) return std::nullopt;
  text.format = sniff(text, labelled);
  text.sniffed = true;
  return text;
}

}  // namespace sidenet
