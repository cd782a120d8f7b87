#pragma once

#include "picture_bytes.h"
#include "sidenet/image.h"

namespace sidenet {

/// EXIF's orientation, 1 to 8, as Pillow finds it: in the EXIF block of a JPEG, PNG or WebP, else
/// in its XMP (not of PNG). 1 where there is none, or none that can be read; never throws. Walks
/// the container, in time linear in the number of its parts.
int exif_orientation(PictureFormat format, PictureBytes bytes);

}  // namespace sidenet
