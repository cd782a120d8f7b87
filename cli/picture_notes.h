#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "row_options.h"
#include "sidenet/image.h"
#include "sidenet/model.h"

namespace sidenet::tools {

/// What was met in the files of pictures.
struct PictureCounts {
  std::int64_t pictures = 0, jpegs = 0;
  std::int64_t oriented = 0;  ///< whose EXIF orientation is another than 1
  void add(const PictureFacts& facts) {
    ++pictures;
    jpegs += facts.format == PictureFormat::jpeg ? 1 : 0;
    oriented += facts.orientation != 1 ? 1 : 0;
  }
};

/// Opens each row's file; what cannot be opened is left out. Zeros of texts and of rows without
/// files of their own.
PictureCounts count_pictures(const Dataset& data);
/// Where pictures have an orientation that the model's preprocessing does not apply; else "".
std::string orientation_note(const Model& model, const std::string& name,
                             const PictureCounts& counts);
/// orientation_note() of each, on stderr.
void tell_orientations(const Model& model, const std::vector<NamedData>& data, bool quiet);

}  // namespace sidenet::tools
