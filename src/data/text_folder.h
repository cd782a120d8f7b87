#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sidenet/dataset.h"

namespace sidenet {

/// Whether the class folders of ROOT (without labels: it and all folders below) hold no picture,
/// and more .txt files than others: those may be pictures of a kind that is not read.
bool is_text_folder(const std::string& root, bool labelled);

/// ROOT/CLASS/…/*.txt, as class_folder_dataset() has pictures: a file is one text. A folder
/// `unsup`, which IMDB's reviews without labels lie in, is left out and told of. Files are read
/// when rows are asked for; read_text() says what they may hold. Throws Error: a class folder with
/// other files alone, an unreadable folder, a broken link. Without labels: all such files below
/// ROOT.
std::shared_ptr<const Dataset> text_folder_dataset(const std::string& root, TextEncoding encoding,
                                                   bool labelled);
/// Its files, in the order of the rows.
std::vector<std::string> text_folder_files(const std::string& root, bool labelled);

}  // namespace sidenet
