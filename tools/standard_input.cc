#include "standard_input.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace sidenet::tools {

StandardInput::int_type StandardInput::underflow() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  const auto patience = patience_();
  if (patience && ::poll(&input, 1, static_cast<int>(patience->count())) == 0) meanwhile_();
  ssize_t got = 0;
  do {
    got = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return traits_type::eof();
  setg(buffer_.data(), buffer_.data(), buffer_.data() + got);
  return traits_type::to_int_type(*gptr());
}

}  // namespace sidenet::tools
