#pragma once

#include <optional>

#include "text_records.h"

namespace sidenet {

/// What the name says (.tsv, .csv, .jsonl, before a .gz) or, where it says nothing, the first lines: all TREC's, or all
/// with tabs. None where name or bytes are not a text's. Throws Error: text of neither kind.
std::optional<TextFile> text_file(const FileBytes& file);

}  // namespace sidenet
