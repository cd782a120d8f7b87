#pragma once

#include <memory>
#include <vector>

#include "sidenet/dataset.h"
#include "text_records.h"

namespace sidenet {

/// One row a record of `files`, which have one format and the same columns; the columns are found
/// in the first. Cells are read from the bytes when asked for: a row takes 16 bytes of memory.
/// Classes are the labels that occur, sorted by value where all are whole numbers (and written as
/// integers), else by bytes. Throws Error with file and line: bytes that are not in
/// `columns.encoding`, an empty text or label, other columns than the first file's, more than
/// 65,536 classes, and what RecordReader, settle_cells and choose_columns throw. Without labels all
/// rows are of class 0, and none has a name. `skip_broken`: rows that cannot be read, or have no
/// text or label, are left out, as long as it is clear where the next one begins.
std::shared_ptr<const Dataset> text_dataset(std::vector<TextFile> files, const TextColumns& columns,
                                            bool labelled = true, bool skip_broken = false);

}  // namespace sidenet
