#include "text_columns_options.h"

#include <iostream>

#include "common_options.h"
#include "row_options.h"
#include "text.h"

namespace sidenet::tools {

void add_dataset_options(CLI::App& sub, DatasetOptions& options) {
  add_row_options(sub, options);
  add_enum_option<LabelsFrom>(
      sub, "--labels-from", options.labels_from,
      "What numbers as labels mean: 0 or 1 is the first class; sorted: labels are sorted as "
      "text, as torchvision does (default auto: refused where several fit)")
      ->option_text("0|1|sorted");
  const std::string group = "Columns of text data: a name, or a number from 1 (default: guessed)";
  sub.add_option("--text-column", options.columns.text, "The text; several are joined by a blank")
      ->option_text("COLUMN,...")
      ->group(group);
  sub.add_option("--pair-column", options.columns.pair, "The second text of a pair")
      ->option_text("COLUMN")
      ->group(group);
  sub.add_option("--label-column", options.columns.label, "The class")
      ->option_text("COLUMN")
      ->group(group);
  add_enum_option<TextEncoding>(sub, "--encoding", options.columns.encoding,
                                "utf-8, latin-1 or windows-1252 (default utf-8)")
      ->option_text("NAME")
      ->group(group);
  add_enum_option<Quotes>(sub, "--quotes", options.columns.quotes,
                          "Quotes around cells: doubled (they enclose), text (they belong to "
                          "it) or auto (default: .csv doubled, .tsv by the whole file)")
      ->option_text("NAME")
      ->group(group);
  sub.add_flag("--drop-empty", options.columns.drop_empty,
               "Leave out rows without a text or label (default: refused)")
      ->group(group);
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
