// Labelled texts: the input as TSV, CSV, JSONL and TREC lines, in all encodings, with columns
// guessed and given.
#include <optional>

#include "fuzz_support.h"
#include "text_dataset.h"
#include "text_format.h"

using namespace sidenet;

namespace {

void read(TextFile file, const TextColumns& columns) {
  fuzz::refusable("input", [&] {
    const auto data = text_dataset({std::move(file)}, columns);
    for (std::int64_t row = 0; row < data->rows(); ++row) {
      const std::int64_t label = data->label(row);
      fuzz::expect(label >= 0 && label < static_cast<std::int64_t>(data->class_names().size()),
                   "a label with a name");
      data->name(row);
      data->text(row);
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input = fuzz::enlarged({reinterpret_cast<const char*>(data), size});
  const FileBytes file{"input", fuzz::as_bytes(input), nullptr};
  for (const TextFormat format :
       {TextFormat::tsv, TextFormat::csv, TextFormat::jsonl, TextFormat::trec}) {
    for (const TextEncoding encoding :
         {TextEncoding::utf8, TextEncoding::latin1, TextEncoding::windows1252}) {
      for (const bool given : {false, true}) {
        TextFile text;
        text.file = file;
        text.format = format;
        TextColumns columns;
        columns.encoding = encoding;
        columns.drop_empty = given;
        if (given) columns.text = "1,3";
        if (given) columns.label = "2";
        read(std::move(text), columns);
      }
    }
  }
  fuzz::refusable("input", [&] {
    if (std::optional<TextFile> text = text_file(file)) read(std::move(*text), {});
  });
  return 0;
}
