#pragma once

namespace sidenet::tools {

/// Opens descriptors 0 to 2 where whoever started the command has closed them. Otherwise the next
/// file that is opened gets their number, and with it what is meant for the terminal. A closed
/// standard input still cannot be read, a closed standard output not be written; what goes to a
/// closed standard error is lost.
void open_standard_streams();

/// As the command found them.
bool standard_input_is_closed();
bool standard_output_is_closed();

}  // namespace sidenet::tools
