#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sidenet/error.h"

namespace sidenet {

template <typename Enum>
requires std::is_enum_v<Enum>
struct EnumName {
  Enum value;
  const char* name;
};

/// The text of each enumerator, as files, options and messages have it: an array of EnumName,
/// specialised beside its enum.
template <typename Enum>
inline constexpr std::nullptr_t kEnumNames = nullptr;

/// name_of(Risk::exit_error) is "exit-error".
template <typename Enum>
requires std::is_enum_v<Enum>
constexpr const char* name_of(Enum value) {
  for (const EnumName<Enum>& known : kEnumNames<Enum>) {
    if (known.value == value) return known.name;
  }
  return "?";
}

/// All of them, in their order.
template <typename Enum>
std::vector<std::string> names_of() {
  std::vector<std::string> names;
  for (const EnumName<Enum>& known : kEnumNames<Enum>) names.emplace_back(known.name);
  return names;
}

/// "drop, disagreement or exit-error".
template <typename Enum>
std::string names_in_words() {
  const std::vector<std::string> names = names_of<Enum>();
  std::string words;
  for (std::size_t i = 0; i < names.size(); ++i)
    words += (i == 0 ? "" : i + 1 < names.size() ? ", " : " or ") + names[i];
  return words;
}

/// value_named<Risk>("risk", "drop") is Risk::drop. Throws Error, "WHAT: expected drop,
/// disagreement or exit-error, got 'luck'".
template <typename Enum>
Enum value_named(std::string_view what, std::string_view name) {
  for (const EnumName<Enum>& known : kEnumNames<Enum>) {
    if (name == known.name) return known.value;
  }
  throw Error(std::string(what) + ": expected " + names_in_words<Enum>() + ", got '" +
              std::string(name) + "'");
}

}  // namespace sidenet
