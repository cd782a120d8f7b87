#pragma once

#include <vector>

#include "sidenet/dataset.h"
#include "text_records.h"

namespace sidenet {

/// Finds what parts the cells of .csv and .tsv files and what their quotes mean, over whole files;
/// all files of a list agree. A .csv may be parted by semicolons, tabs or bars where commas do not
/// fit. Throws Error where quotes are not clear, naming the option; a .tsv without a tab; or
/// line ends that are CR alone, of any format.
void settle_cells(std::vector<TextFile>& files, Quotes wanted);

}  // namespace sidenet
