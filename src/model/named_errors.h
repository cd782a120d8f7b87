#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "sidenet/error.h"

namespace sidenet {

/// call(); where the system has no memory for it, an Error that names the model's file.
template <typename Call>
auto telling_memory(const std::string& file, Call call) {
  const auto error = [&file] { return Error(file + ": out of memory"); };
  try {
    return call();
  } catch (const std::bad_alloc&) {
    throw error();
  } catch (const std::length_error&) {  // a container larger than all addresses
    throw error();
  }
}

/// call(), whose Errors begin with the file's name: what lies below (a graph, a node) does not know
/// it.
template <typename Call>
auto naming_file(const std::string& file, Call call) {
  try {
    return telling_memory(file, call);
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.starts_with(printable_line(file))) throw;
    throw Error(file + ": " + message);
  }
}

}  // namespace sidenet
