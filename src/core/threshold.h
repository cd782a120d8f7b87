#pragma once

namespace sidenet {

/// A threshold that no confidence reaches.
inline constexpr double kShut = 2;

}  // namespace sidenet
