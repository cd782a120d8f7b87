#pragma once

#include <cstddef>

namespace sidenet::tools {

/// Whether the file descriptor is a terminal that understands cursor movements (TERM is not
/// "dumb").
bool is_terminal(int descriptor);
/// Its columns; 80 where it does not tell.
std::size_t terminal_columns(int descriptor);

}  // namespace sidenet::tools
