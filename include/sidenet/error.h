#pragma once

#include <stdexcept>
#include <string>

namespace sidenet {

/// The one exception type of the library. `what()` is one line for a person: what failed, where (file, tensor or
/// field), what was expected and what was found. The library never prints, exits or aborts.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace sidenet
