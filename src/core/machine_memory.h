#pragma once

#include <cstdint>
#include <string>

namespace sidenet {

/// Bytes that this process can have: the machine's, or less where its limits (RLIMIT_AS, a control
/// group) say so.
std::uint64_t machine_memory();

/// Whether the system could have so many bytes at all.
bool fits_memory(std::uint64_t bytes);

/// Throws Error, "WHAT: expected at most … bytes of memory, all that there is, got …": the system
/// would grant more than it has, and kill the process when that is used.
void require_memory(std::uint64_t bytes, const std::string& what);

}  // namespace sidenet
