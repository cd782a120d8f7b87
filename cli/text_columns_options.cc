#include "text_columns_options.h"

#include <iostream>

#include "common_options.h"
#include "row_options.h"
#include "text.h"

namespace sidenet::tools {

namespace {

constexpr const char* kGroup =
    "Columns of text data: a name, or a number from 1 (default: guessed)";

}  // namespace

void add_text_columns_options(CLI::App& sub, TextColumns& columns) {
  sub.add_option("--text-column", columns.text, "The text; several are joined by a blank")
      ->option_text("COLUMN,...")
      ->group(kGroup);
  sub.add_option("--pair-column", columns.pair, "The second text of a pair")
      ->option_text("COLUMN")
      ->group(kGroup);
  add_enum_option<TextEncoding>(sub, "--encoding", columns.encoding,
                                "utf-8, latin-1 or windows-1252 (default utf-8; UTF-16 is known "
                                "by its mark)")
      ->option_text("NAME")
      ->group(kGroup);
  add_enum_option<Quotes>(sub, "--quotes", columns.quotes,
                          "Quotes around cells: doubled (they enclose), text (they belong to "
                          "it) or auto (default: .csv doubled, .tsv by the whole file)")
      ->option_text("NAME")
      ->group(kGroup);
}

void add_dataset_options(CLI::App& sub, DatasetOptions& options) {
  add_row_options(sub, options);
  add_enum_option<LabelsFrom>(
      sub, "--labels-from", options.labels_from,
      "What numbers as labels mean: 0 or 1 is the first class; sorted: labels are sorted as "
      "text, as torchvision does (default auto: refused where several fit)")
      ->option_text("0|1|sorted");
  sub.add_flag("--skip-broken", options.skip_broken,
               "Leave out rows and pictures that cannot be read, and empty texts (default: "
               "refused)");
  add_text_columns_options(sub, options.columns);
  sub.add_option("--label-column", options.columns.label, "The class")
      ->option_text("COLUMN")
      ->group(kGroup);
  sub.add_flag("--drop-empty", options.columns.drop_empty,
               "Leave out rows without a text or label (default: refused)")
      ->group(kGroup);
}

std::shared_ptr<const Dataset> open_dataset(const std::string& spec, const DatasetOptions& options,
                                            bool quiet) {
  auto data = Dataset::open(spec, options);
  if (!quiet) {
    for (const std::string& note : data->notes()) std::cerr << printable(note) << '\n';
  }
  return data;
}

}  // namespace sidenet::tools
