#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "own_folder.h"

namespace sidenet {

/// A file of the weight cache:
///   "SNKEPT02", the name (32 hexadecimal digits: a digest of all that the floats are made of),
///   u64: how many they are, and two u64: hash128() of them; then, from byte 64 on, the floats.
///   Little endian, as the machine has it.
/// Nothing in it is believed before it is checked. Throws Error, with `source`, where it is not of
/// this name and number, or not whole.
std::span<const float> read_cached_weights(std::span<const std::byte> file, std::string_view name,
                                           std::size_t floats, const std::string& source);
/// Throws Error where it cannot be written.
void write_cached_weights(const OwnFolder& folder, const std::string& name,
                          std::span<const float> floats);

/// What the file of so many floats takes.
std::size_t cached_bytes(std::size_t floats);
/// NAME.weights
std::string cached_file_name(const std::string& name);
/// Whether a file is called as ours are, those of older versions and those that a killed process
/// left half written among them, and begins as they do.
bool is_cached_name(std::string_view file);
bool is_unfinished_name(std::string_view file);
bool begins_as_cached(const OwnFolder& folder, const std::string& file);

}  // namespace sidenet
