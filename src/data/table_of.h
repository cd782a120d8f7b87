#pragma once

#include <memory>

#include "file_bytes.h"
#include "sidenet/text_table.h"

namespace sidenet {

/// As TextTable::open(), of bytes.
std::unique_ptr<TextTable> table_of(const FileBytes& file, const TextColumns& columns,
                                    bool keep_cells);

}  // namespace sidenet
