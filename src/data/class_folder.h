#pragma once

#include <memory>
#include <string>

#include "sidenet/dataset.h"

namespace sidenet {

/// ROOT/CLASS/…/*.png, .jpg, .jpeg, .bmp (any case). A class's label is its place in the sorted
/// names of ROOT's folders; its files, sorted by their path, may lie in folders within
/// (image_folder.h). Notes say what was skipped, images that lie in ROOT itself, and empty folders.
/// Throws Error: no image at all, a class folder with other files alone, an unreadable folder, a
/// broken link. Without labels: all such images below ROOT, sorted by their path.
std::shared_ptr<const Dataset> class_folder_dataset(const std::string& root, bool labelled = true);
/// Its images, in the order of the rows.
std::vector<std::string> class_folder_files(const std::string& root, bool labelled = true);

}  // namespace sidenet
