#pragma once

#include <string>

#include "sidenet/error.h"

namespace sidenet {

/// call(), whose Errors begin with the file's name: what lies below (a graph, a node) does not know it.
template <typename Call>
auto naming_file(const std::string& file, Call call) {
  try {
    return call();
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.starts_with(printable_line(file))) throw;
    throw Error(file + ": " + message);
  }
}

}  // namespace sidenet
