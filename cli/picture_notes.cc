#include "picture_notes.h"

#include <iostream>

#include "sidenet/error.h"
#include "text.h"

namespace sidenet::tools {

PictureCounts count_pictures(const Dataset& data) {
  PictureCounts counts;
  if (data.kind() != Dataset::Kind::images) return counts;
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    try {
      counts.add(data.picture_facts(row));
    } catch (const Error&) {
      continue;  // who reads the row tells of it
    }
  }
  return counts;
}

std::string orientation_note(const Model& model, const std::string& name,
                             const PictureCounts& counts) {
  if (counts.oriented == 0 || model.preprocessing().exif_orientation) return "";
  return "note: " + (name.empty() ? "" : name + ": ") + grouped(counts.oriented) + " of " +
         grouped(counts.pictures) + (counts.pictures == 1 ? " picture has" : " pictures have") +
         " an EXIF orientation, which is not applied (as in torchvision); "
         "`sidenet import --exif-orientation` applies it";
}

void tell_orientations(const Model& model, const std::vector<NamedData>& data, bool quiet) {
  if (quiet || model.is_text() || model.preprocessing().exif_orientation) return;
  for (const auto& [name, rows] : data) {
    const std::string note = orientation_note(model, name, count_pictures(*rows));
    if (!note.empty()) std::cerr << printable(note) << '\n';
  }
}

}  // namespace sidenet::tools
