// Texts: the input as TSV, CSV, JSONL, a JSON list and TREC lines, in all encodings, with columns
// guessed and given, refused where a row is broken or not; as UTF-16; and as tables with all cells.
#include <optional>

#include "fuzz_support.h"
#include "table_of.h"
#include "text_dataset.h"
#include "text_format.h"
#include "utf16.h"

using namespace sidenet;

namespace {

void read(TextFile file, const TextColumns& columns, bool skip_broken = false) {
  fuzz::refusable("input", [&] {
    const auto data = text_dataset({std::move(file)}, columns, true, skip_broken);
    for (std::int64_t row = 0; row < data->rows(); ++row) {
      const std::int64_t label = data->label(row);
      fuzz::expect(label >= 0 && label < static_cast<std::int64_t>(data->class_names().size()),
                   "a label with a name");
      data->name(row);
      data->text(row);
    }
  });
}

/// Every row has a cell a column, and a text or an error.
void read_table(FileBytes file, const char* ending) {
  file.name += ending;
  fuzz::refusable("input", [&] {
    const auto table = table_of(file, {}, true);
    for (TextTable::Row row; table->next(row);) {
      fuzz::expect(row.cells.size() == table->columns().size(), "a cell a column");
      fuzz::expect(!row.error.empty() || !row.text.first.empty(), "a text or an error");
      for (const TableCell& cell : row.cells)
        fuzz::expect(cell.json.find('\n') == std::string::npos, "JSON on one line");
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input = fuzz::enlarged({reinterpret_cast<const char*>(data), size});
  const FileBytes file{"input", fuzz::as_bytes(input), nullptr};
  for (const TextFormat format :
       {TextFormat::tsv, TextFormat::csv, TextFormat::jsonl, TextFormat::json, TextFormat::trec}) {
    for (const TextEncoding encoding :
         {TextEncoding::utf8, TextEncoding::latin1, TextEncoding::windows1252}) {
      // Decoded as JSON lines are.
      if (format == TextFormat::json && encoding != TextEncoding::utf8) continue;
      for (const bool given : {false, true}) {
        TextFile text;
        text.file = file;
        text.format = format;
        TextColumns columns;
        columns.encoding = encoding;
        columns.drop_empty = given;
        if (given) columns.text = "1,3";
        if (given) columns.label = "2";
        read(std::move(text), columns, given);
      }
    }
  }
  fuzz::refusable("input", [&] {
    if (std::optional<TextFile> text = text_file(file)) read(std::move(*text), {});
  });
  for (const char* mark : {"\xff\xfe", "\xfe\xff"}) {
    const std::string wide = mark + input;
    const FileBytes marked{"input", fuzz::as_bytes(wide), nullptr};
    fuzz::refusable("input", [&] { utf8_of_utf16(marked); });
  }
  for (const char* ending : {".csv", ".tsv", ".jsonl", ".json"}) read_table(file, ending);
  return 0;
}
