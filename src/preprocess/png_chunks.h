#pragma once

#include <string>

#include "picture_bytes.h"
#include "picture_size.h"

namespace sidenet {

/// Walks a PNG from end to end without inflating anything. It refuses what decoders take in
/// silence: files cut short and chunks with a wrong checksum, whatever they are for. It also
/// refuses Apple's variant, and grey of 16 bits. Throws Error that begins with `name`.
PictureSize check_png(PictureBytes bytes, const std::string& name);

}  // namespace sidenet
