#pragma once

// Library: libsidenet (pkg-config sidenet, CMake sidenet::sidenet).

#include "sidenet/enum_names.h"

namespace sidenet {

/// What a certificate bounds, over rows drawn as the calibration rows were.
enum class Risk {
  drop,          ///< MainNet's accuracy less the accuracy with exits
  disagreement,  ///< share of rows answered with another class than MainNet's
  exit_error  ///< for every open exit but `final`: share of wrong answers among those that it gives
};
template <>
inline constexpr EnumName<Risk> kEnumNames<Risk>[] = {
    {Risk::drop, "drop"}, {Risk::disagreement, "disagreement"}, {Risk::exit_error, "exit-error"}};

}  // namespace sidenet
