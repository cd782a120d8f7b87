#include "text_format.h"

#include <algorithm>
#include <filesystem>

#include "sidenet/error.h"
#include "text_encoding.h"

namespace sidenet {
namespace {

constexpr std::size_t kSniffedBytes = 4096;
constexpr int kSniffedLines = 1000;

std::string extension(const std::string& path) {
  std::filesystem::path name(lower_ascii(path));
  if (name.extension() == ".gz") name.replace_extension();
  return name.extension().string();
}

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

TextFormat sniff(const TextFile& file, bool labelled) {
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
  throw Error(Place{file.file.name, reader.line() - 1}.str() +
              ": expected images, or texts as .tsv, .csv, .jsonl or TREC's lines (LABEL:detail "
              "text), got text with neither "
              "a tab nor a label in each line");
}

}  // namespace

std::optional<TextFile> text_file(const FileBytes& file, bool labelled) {
  TextFile text;
  text.file = file;
  const std::string end = extension(file.name);
  if (end == ".tsv" || end == ".csv" || end == ".jsonl") {
    text.format = end == ".tsv"   ? TextFormat::tsv
                  : end == ".csv" ? TextFormat::csv
                                  : TextFormat::jsonl;
    return text;
  }
  if (end == ".bin" || !looks_like_text(text.bytes())) return std::nullopt;
  text.format = sniff(text, labelled);
  text.sniffed = true;
  return text;
}

}  // namespace sidenet
