#include "standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace sidenet::tools {
namespace {

std::array<bool, 3> was_closed{};

/// In the direction that nobody uses: to read from what was closed must stay an error, and so to
/// write. Standard error alone is written as if nothing were wrong.
constexpr std::array<int, 3> kModes = {O_WRONLY, O_RDONLY, O_WRONLY};

}  // namespace

void open_standard_streams() {
  for (int descriptor = 0; descriptor < 3; ++descriptor) {
    const auto index = static_cast<std::size_t>(descriptor);
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    was_closed[index] = true;
    // The lowest number that is free is this one. A folder can neither be read nor written; it does
    // where there is no /dev.
    int opened = ::open("/dev/null", kModes[index] | O_NOCTTY);
    if (opened < 0) opened = ::open("/", O_RDONLY | O_DIRECTORY);
    if (opened != descriptor) ::_exit(1);
  }
}

bool standard_input_is_closed() { return was_closed[STDIN_FILENO]; }
bool standard_output_is_closed() { return was_closed[STDOUT_FILENO]; }

}  // namespace sidenet::tools
