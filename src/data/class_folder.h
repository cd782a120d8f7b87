#pragma once

#include <memory>
#include <string>

#include "sidenet/dataset.h"

namespace sidenet {

/// ROOT/CLASS/…/*.png, .jpg, .jpeg, .bmp (any case). A class's label is its place in the sorted
/// names of ROOT's folders; its files, sorted by their path, may lie in folders within. Links are
/// followed, each folder of a class is read once, and names that begin with a dot are left out.
/// Throws Error: no image at all, an unreadable folder, a broken link. Without labels: all such
/// images below ROOT, sorted by their path.
std::shared_ptr<const Dataset> class_folder_dataset(const std::string& root, bool labelled = true);
/// Its images, in the order of the rows.
std::vector<std::string> class_folder_files(const std::string& root, bool labelled = true);

}  // namespace sidenet
