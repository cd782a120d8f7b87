#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace sidenet::tools {

bool is_terminal(int descriptor) {
  const char* name = std::getenv("TERM");
  return ::isatty(descriptor) == 1 && name != nullptr && std::string_view(name) != "dumb";
}

std::size_t terminal_columns(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
  return size.ws_col;
}

}  // namespace sidenet::tools
