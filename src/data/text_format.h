#pragma once

#include <optional>

#include "text_records.h"

namespace sidenet {

/// What the name says (.tsv, .csv, .jsonl, .ndjson, .json, before a .gz) or, where it says nothing,
/// the first lines: JSON objects, all TREC's, or all with tabs; unlabelled texts of another name
/// may have neither: one text a line. None where name or bytes are not a text's. Throws Error: text
/// of neither kind, or another format that is known (Parquet, a zip file, UTF-16).
std::optional<TextFile> text_file(const FileBytes& file, bool labelled = true);

}  // namespace sidenet
